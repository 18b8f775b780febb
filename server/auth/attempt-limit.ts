import { Failure } from '../../shared/errors.ts'
import type { Log } from '../log/log.ts'

/** What is counted, and how it is refused. */
interface Counted {
  /** The number of attempts that are let through in a minute, for each key. */
  most: number
  /** Their name in sentences. */
  what: string
  hint: string
}

/** Wrong credentials that are answered 401, for each address and for each token id. */
const wrongCredentials: Counted = {
  most: 10,
  what: 'wrong credentials',
  hint: 'right credentials are answered at once; check the key or the token before the next attempt',
}

/** Logins by single sign-on, for each address: without a limit one address could push out those of everybody else. */
export const begunLogins: Counted = {
  most: 30,
  what: 'begun logins',
  hint: 'begin again later; behind a proxy, JOBS_TRUSTED_PROXIES lets the server tell addresses apart',
}

/** Calls of each agent, of all sessions of its key or token together. */
export const callsOfAgents: Counted = {
  most: 300,
  what: 'calls of an agent',
  hint: 'ask for less, and wait: a person has no such limit',
}

const windowMs = 60_000
/** The most addresses and token ids that are remembered; the oldest are forgotten first. */
const mostEntries = 10_000

interface Window {
  startedAt: number
  attempts: number
}

/** Counts attempts in the memory of this server. */
export interface AttemptLimit {
  /**
   * Counts one attempt under each key. Right credentials are never counted.
   * @throws Failure `rate_limited` when one of the keys has had too many in its minute
   */
  countAttempt: (keys: readonly string[]) => void
  /** True where the next attempt under the key is one too many. */
  isReached: (key: string) => boolean
}

interface Options {
  /** Absent means wrong credentials. */
  counts?: Counted
  /** The time in milliseconds, from any start. */
  now?: () => number
}

export function createAttemptLimit(
  log: Pick<Log, 'warn'>,
  { counts: { most, what, hint } = wrongCredentials, now = () => performance.now() }: Options = {},
): AttemptLimit {
  const windows = new Map<string, Window>()
  let loggedAt = Number.NEGATIVE_INFINITY
  const count = (key: string): Window => {
    const known = windows.get(key)
    const window = known && now() - known.startedAt < windowMs ? known : { startedAt: now(), attempts: 0 }
    if (window !== known) windows.delete(key)
    windows.set(key, window)
    for (const oldest of windows.keys()) {
      if (windows.size <= mostEntries) break
      windows.delete(oldest)
    }
    window.attempts += 1
    return window
  }
  return {
    isReached: (key) => {
      const known = windows.get(key)
      return known !== undefined && now() - known.startedAt < windowMs && known.attempts >= most
    },
    countAttempt(keys) {
      const over = keys.map(count).filter(({ attempts }) => attempts > most)
      if (over.length === 0) return
      const restMs = Math.max(...over.map(({ startedAt }) => startedAt + windowMs - now()))
      if (now() - loggedAt >= windowMs) {
        log.warn(`more than ${most} ${what} in a minute are answered 429: ${keys.join(', ')}`)
        loggedAt = now()
      }
      throw new Failure('rate_limited', `too many ${what} in a minute; nothing was changed`, {
        hint,
        retryAfter: Math.max(1, Math.ceil(restMs / 1000)),
      })
    },
  }
}

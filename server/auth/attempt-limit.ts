import { Failure } from '../../shared/errors.ts'
import type { Log } from '../log.ts'

/** Wrong credentials that are answered 401 in a minute, for each address and for each token id. */
const attemptsPerWindow = 10
const windowMs = 60_000
/** The most addresses and token ids that are remembered; the oldest are forgotten first. */
const mostEntries = 10_000

interface Window {
  startedAt: number
  attempts: number
}

/** Counts wrong credentials in the memory of this server. */
export interface AttemptLimit {
  /**
   * Counts one attempt under each key. Right credentials are never counted.
   * @throws Failure `rate_limited` when one of the keys has had more than ten in its minute
   */
  countWrong: (keys: readonly string[]) => void
}

/** @param now the time in milliseconds, from any start */
export function createAttemptLimit(log: Pick<Log, 'warn'>, now: () => number = () => performance.now()): AttemptLimit {
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
    countWrong(keys) {
      const over = keys.map(count).filter(({ attempts }) => attempts > attemptsPerWindow)
      if (over.length === 0) return
      const restMs = Math.max(...over.map(({ startedAt }) => startedAt + windowMs - now()))
      if (now() - loggedAt >= windowMs) {
        log.warn(`more than ${attemptsPerWindow} wrong credentials in a minute are answered 429: ${keys.join(', ')}`)
        loggedAt = now()
      }
      throw new Failure('rate_limited', 'too many wrong credentials in a minute; nothing was changed', {
        hint: 'right credentials are answered at once; check the key or the token before the next attempt',
        retryAfter: Math.max(1, Math.ceil(restMs / 1000)),
      })
    },
  }
}

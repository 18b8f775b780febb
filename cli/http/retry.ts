import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../shared/errors.ts'
import { interrupted } from '../io.ts'

interface Retrying {
  retries: number
  /** Whether another attempt may succeed and cannot make a change twice. */
  worthRepeating: (failure: Failure) => boolean
  /** The milliseconds that are left of the deadline. */
  left: () => number
  signal: AbortSignal
}

const longestWaitSeconds = 60

/**
 * Repeats `attempt` with full jitter, or after the server's `Retry-After`. It gives up where the
 * wait would be longer than 60 s or than the deadline.
 * @throws the last failure, or `interrupted`
 */
export async function withRetries<T>(attempt: () => Promise<T>, options: Retrying): Promise<T> {
  const { retries, worthRepeating, left, signal } = options
  for (let tried = 0; ; tried++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      if (tried >= retries || !worthRepeating(error)) throw afterAttempts(error, tried + 1)
      const wait = error.retryAfter === undefined ? jitter(tried) : error.retryAfter * 1000
      if (wait > longestWaitSeconds * 1000 || wait >= left()) throw afterAttempts(error, tried + 1)
      await sleep(wait, undefined, { signal }).catch(() => {
        throw interrupted(signal)
      })
    }
  }
}

/** The last failure, with the number of attempts where there was more than one. */
function afterAttempts(failure: Failure, attempts: number): Failure {
  if (attempts === 1) return failure
  const { code, message, hint, requestId, server, retryAfter, cause } = failure
  return new Failure(code, `${message} (${attempts} attempts)`, { hint, requestId, server, retryAfter, cause })
}

const jitter = (tried: number): number => Math.random() * Math.min(8000, 250 * 2 ** tried)

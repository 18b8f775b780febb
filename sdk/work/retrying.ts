import { JobsError } from '../call/jobs-error.ts'
import { jitter, pause } from '../call/pause.ts'
import type { Tell } from './worker-event.ts'

/** A server that always fails with a mistake of its own is not asked for ever. */
const mostInternal = 5

/** True for an error after which the same call may be answered. */
export const isPassing = (error: unknown): error is JobsError =>
  error instanceof JobsError &&
  (error.temporary || error.code === 'internal' || error.code === 'unexpected_answer' || (error.status ?? 0) >= 500)

interface Retrying {
  /** The name of the call, for the event. */
  call: string
  tell: Tell
  /** Ends the tries. */
  signal: AbortSignal
}

/**
 * Makes a call until it is answered, with pauses that grow to 10 s. All calls of a worker are safe to repeat.
 * @throws JobsError that a repetition would not change; the last error when `signal` aborts
 */
export async function untilAnswered<T>(attempt: () => Promise<T>, { call, tell, signal }: Retrying): Promise<T> {
  for (let tried = 0, internal = 0; ; tried++) {
    try {
      return await attempt()
    } catch (error) {
      if (!isPassing(error) || signal.aborted) throw error
      if (!error.temporary && ++internal >= mostInternal) throw error
      tell({ event: 'retrying', call, code: error.code, error: error.message })
      await pause(Math.max(jitter(tried, 10_000), (error.retryAfter ?? 0) * 1000), signal)
      if (signal.aborted) throw error
    }
  }
}

import { JobsError } from '../call/jobs-error.ts'
import { jitter, pause } from '../call/pause.ts'
import type { Tell } from './worker-event.ts'

/** A server that always fails with a mistake of its own is not asked for ever, in milliseconds. */
export const patienceMs = 300_000
/** A server that redirects is the wrong one, as a rule. */
const mostUnexpected = 5
/** The longest pause between two tries, and the longest that a server may ask for, in milliseconds. */
const [longestPauseMs, longestAskedMs] = [10_000, 60_000]

/** Statuses by which a proxy refuses a request for what is in it, so that the same request is refused again. */
const ofRequest: readonly number[] = [400, 413, 414, 422, 431]

/** True for an error after which the same call may be answered. */
export const isPassing = (error: unknown): error is JobsError =>
  error instanceof JobsError &&
  (error.temporary ||
    error.code === 'internal' ||
    error.code === 'unexpected_answer' ||
    isUnreadable(error) ||
    (error.status ?? 0) >= 500)

/**
 * True for a success that the client cannot read, a redirect, and a page with a status such as 404. It comes from a proxy, which may not
 * know its servers for a moment, or from another server than one of jobs.
 */
export const isUnreadable = ({ status = 0, isPage, temporary }: JobsError): boolean =>
  (status >= 200 && status < 400) || (isPage && status < 500 && !temporary && !ofRequest.includes(status))

/**
 * The results of a call about `count` jobs, one for each.
 * @throws JobsError for another answer, which comes from a proxy as a page does: it says nothing about the jobs
 */
export function resultsOf<Result>({ results }: { readonly results: Result[] }, count: number): Result[] {
  if (Array.isArray(results) && results.length === count) return results
  throw new JobsError('outcome_unknown', 'the server sent an answer without the results of the call', { status: 200 })
}

interface Retrying {
  /** The name of the call, for the event. */
  call: string
  tell: Tell
  /** How long the server may do nothing but fail with a mistake of its own, or send what is no answer, in milliseconds. */
  patienceMs: number
  /** Ends the tries. */
  signal: AbortSignal
}

/** The milliseconds that a server asks to wait before the next try. */
export const askedMs = ({ retryAfter = 0 }: JobsError): number => Math.min(retryAfter * 1000, longestAskedMs)

/**
 * Makes a call until it is answered, with pauses that grow to 10 s, or longer where the server asks for it. All calls of a worker are
 * safe to repeat.
 * @throws JobsError that a repetition would not change; the last error when `signal` aborts
 */
export async function untilAnswered<T>(
  attempt: () => Promise<T>,
  { call, tell, patienceMs, signal }: Retrying,
): Promise<T> {
  let unexpected = 0
  let firstMistakeAt: number | undefined
  for (let tried = 0; ; tried++) {
    try {
      return await attempt()
    } catch (error) {
      if (!isPassing(error) || signal.aborted) throw error
      if (error.code === 'unexpected_answer' && ++unexpected >= mostUnexpected) throw error
      if (!error.temporary || isUnreadable(error)) {
        firstMistakeAt ??= performance.now()
        if (performance.now() - firstMistakeAt > patienceMs) throw error
      } else firstMistakeAt = undefined
      tell({ event: 'retrying', call, code: error.code, error: error.message })
      await pause(Math.max(jitter(tried, longestPauseMs), askedMs(error)), signal)
      if (signal.aborted) throw error
    }
  }
}

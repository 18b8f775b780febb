import { hasEnded } from '../shared/jobs/ended-states.ts'
import { deadlineAfter } from './call/deadline.ts'
import { JobsError } from './call/jobs-error.ts'
import { jitter, pause } from './call/pause.ts'
import { requireNumber } from './call/settings.ts'
import type { Calls } from './wire/calls.ts'
import type { ShowJobOutput } from './wire/types.ts'

export interface WaitOptions {
  /** How long to wait, in milliseconds; 60,000 when absent. */
  timeoutMs?: number | undefined
  /** Ends the wait, which then throws the reason of the signal. */
  signal?: AbortSignal | undefined
}

/** The longest pause between two looks, in milliseconds. */
const longestPauseMs = 2000

/**
 * Looks at a job until it is completed, failed, cancelled or quarantined, with pauses that grow to 2 s.
 * @throws JobsError `timed_out` for a job that has not ended in time, and what `showJob` throws, but for errors that pass; TypeError for a
 * time that cannot be right
 */
export async function waitFor(
  { showJob }: Pick<Calls, 'showJob'>,
  id: number,
  { timeoutMs = 60_000, signal }: WaitOptions = {},
): Promise<ShowJobOutput> {
  requireNumber('timeoutMs', timeoutMs, 1, 2 ** 31 - 1)
  const deadline = deadlineAfter(timeoutMs, { caller: signal })
  let state = 'not read'
  const look = async (): Promise<ShowJobOutput | undefined> => {
    try {
      const job = await showJob({ id }, { signal: deadline.signal, timeoutMs: Math.max(1, Math.ceil(deadline.left())) })
      state = job.status ?? 'without a status'
      return hasEnded(state) ? job : undefined
    } catch (error) {
      if (deadline.signal.aborted || (error instanceof JobsError && error.temporary)) return undefined
      throw error
    }
  }
  try {
    for (let looked = 0; !deadline.signal.aborted; looked++) {
      const job = await look()
      if (job) return job
      await pause(Math.max(100, jitter(looked, longestPauseMs)), deadline.signal)
    }
  } finally {
    deadline.end()
  }
  signal?.throwIfAborted()
  throw new JobsError('timed_out', `job ${id} is ${state} after ${timeoutMs} ms; it goes on as it would have`)
}

import type { Finish } from './finisher.ts'
import { storable } from './storable.ts'

/** How an attempt ends that is neither a result nor a failure to be tried again: what a handler returns in place of a result. */
export class JobEnding {
  constructor(readonly finish: EndingOf<'release'> | EndingOf<'fail'> | EndingOf<'cancel'>) {}
}

type EndingOf<Action extends Finish['action']> = Omit<
  Extract<Finish, { action: Action }>,
  'id' | 'worker_id' | 'lease_id' | 'completion_token'
>

/** The longest wait in seconds, 366 days. */
const longestSnooze = 366 * 86_400

/**
 * Gives the job back, to run again after a time. It is no failure: no retry is used up.
 * @param seconds from 0 to 31,622,400, which is 366 days
 * @throws TypeError for another number
 */
export function snooze(seconds: number): JobEnding {
  if (!(seconds >= 0 && seconds <= longestSnooze))
    throw new TypeError(`snooze takes a number of seconds from 0 to ${longestSnooze}`)
  return new JobEnding({ action: 'release', delay_seconds: seconds })
}

/** Ends the job as failed, whatever retries it has left. */
export const discard = (reason: string): JobEnding =>
  new JobEnding({ action: 'fail', error: storable(reason, 10_000, 'discarded'), retryable: false })

/** Ends the job as cancelled, and with it the jobs that wait for it. */
export function cancel(reason?: string): JobEnding {
  const kept = storable(reason ?? '', 1000, '')
  return new JobEnding({ action: 'cancel', ...(kept !== '' && { reason: kept }) })
}

import type { LeasedJob } from '../wire/types.ts'
import { JobAborted } from './job-failure.ts'

/** A job that this worker has leased and not finished. */
export interface RunningJob {
  readonly job: LeasedJob
  readonly leaseId: string
  /** Aborts the handler. */
  readonly abort: AbortController
  /** Leaves the handler, where it has not stopped. */
  readonly leave: AbortController
  /** The time at which the lease is over for certain, by the clock of `performance.now()`. */
  leaseEnds: number
  /** Progress that the server has not been told. */
  unsent: { progress_percent?: number; progress_message?: string } | undefined
  /** True when the job is no longer this worker's. */
  isLost: boolean
  /** True when the handler has ended: what the server says to the finish counts. */
  isEnded: boolean
}

/** The lease of a job is lost: its handler is told to stop. */
export function lose(running: RunningJob): void {
  running.isLost = true
  running.unsent = undefined
  running.abort.abort(new JobAborted('lease_lost'))
}

/** The fields by which a worker proves its lease. */
export const leaseOf = ({ job, leaseId }: RunningJob, workerId: string) => ({
  id: job.id,
  worker_id: workerId,
  lease_id: leaseId,
})

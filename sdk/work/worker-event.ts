/** What a worker reports. */
export type WorkerEvent =
  | { readonly event: 'leased'; readonly job_id: number; readonly job_type: string; readonly attempt: number }
  /** An attempt that has ended: `status` is the new state of the job. */
  | {
      readonly event: 'completed' | 'failed' | 'released' | 'cancelled'
      readonly job_id: number
      readonly job_type: string
      readonly status: string
      readonly error?: string | undefined
    }
  /** The job is no longer this worker's: `code` says why, such as `lease_lost`. */
  | { readonly event: 'lost'; readonly job_id: number; readonly job_type: string; readonly code: string }
  /** A call failed, and is sent again. */
  | { readonly event: 'retrying'; readonly call: string; readonly code: string; readonly error: string }
  /** A throttled queue gives fewer jobs than the worker has room for; told once a minute. A limit that is null is not set. */
  | {
      readonly event: 'limited'
      readonly queue: string
      readonly running: number | null
      readonly of: number | null
      readonly per_minute: number | null
    }
  /** The worker leases no more jobs; `running` of them are not finished. */
  | { readonly event: 'stopping'; readonly running: number }

export type Tell = (event: WorkerEvent) => void

/** A listener that throws ends no worker. */
export const tellSafely =
  (listener: Tell | undefined): Tell =>
  (event) => {
    try {
      listener?.(event)
    } catch {
      // The listener is the caller's, and so is its error.
    }
  }

/**
 * Writes to stderr what somebody should know: failed attempts, lost leases, calls that are repeated, and a throttle. A worker without a
 * listener would be silent about them.
 */
export function tellOnStderr(event: WorkerEvent): void {
  const line = lineOf(event)
  if (line !== undefined) console.error(`jobsctl/worker: ${line.replaceAll(/\p{Cc}+/gu, ' ')}`)
}

function lineOf(event: WorkerEvent): string | undefined {
  switch (event.event) {
    case 'failed':
      return `job ${event.job_id} (${event.job_type}) failed and is ${event.status}: ${event.error}`
    case 'lost':
      return `job ${event.job_id} (${event.job_type}) is not this worker's any more: ${event.code}`
    case 'retrying':
      return `the call ${event.call} is sent again: ${event.error}`
    case 'limited':
      return `the queue ${event.queue} is throttled: ${limitText(event)}`
    default:
      return undefined
  }
}

const limitText = ({ running, of, per_minute }: Extract<WorkerEvent, { event: 'limited' }>): string =>
  [
    ...(of === null ? [] : [`${running} of ${of} run`]),
    ...(per_minute === null ? [] : [`${per_minute} begin in a minute`]),
  ].join(', ')

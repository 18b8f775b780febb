/** What a worker reports. */
export type WorkerEvent =
  | { readonly event: 'leased'; readonly job_id: number; readonly job_type: string; readonly attempt: number }
  /** An attempt that has ended: `status` is the new state of the job. */
  | {
      readonly event: 'completed' | 'failed' | 'released'
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

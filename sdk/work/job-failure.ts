export interface JobFailureOptions {
  /**
   * For programs, such as `no_page`. It says that another attempt will end the same way: a job that fails several times in a row with
   * one code is quarantined, whatever retries it has left. Without one, it is tried until its retries are used up.
   */
  code?: string
  /** False when another attempt would fail, too. */
  retryable?: boolean
  /** Seconds before the second attempt, from 0 to 3600; they double with each attempt. A longer time is an hour. */
  backoffSeconds?: number
  cause?: unknown
}

/** What a handler throws to say how its job failed. Any other error is a failure that may be tried again. */
export class JobFailure extends Error {
  override readonly name: string = 'JobFailure'
  /** Empty without a code. */
  readonly code: string
  readonly retryable: boolean
  readonly backoffSeconds: number | undefined

  constructor(message: string, { code = '', retryable = true, backoffSeconds, cause }: JobFailureOptions = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.retryable = retryable
    this.backoffSeconds = backoffSeconds
  }
}

const reasons = {
  cancelled: 'the job was cancelled',
  lease_lost: 'the lease was lost',
  stopping: 'the worker stops',
  timeout: 'the handler ran longer than timeoutSeconds',
}

/** Why the signal of a job aborts. */
export class JobAborted extends Error {
  override readonly name = 'JobAborted'
  readonly why: 'cancelled' | 'lease_lost' | 'stopping' | 'timeout'

  constructor(why: JobAborted['why']) {
    super(reasons[why])
    this.why = why
  }
}

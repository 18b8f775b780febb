import type { ErrorCode } from '../wire/types.ts'

/** One fault of a request: `path` is a field or header, and `message` is a predicate such as `is required`. */
export interface Fault {
  readonly path: string
  readonly message: string
}

interface About {
  status?: number | undefined
  hint?: string | undefined
  requestId?: string | undefined
  retryAfter?: number | undefined
  faults?: readonly Fault[]
  oldestId?: number | undefined
  newestId?: number | undefined
  isPage?: boolean
  cause?: unknown
}

/** Codes after which the same call may succeed later. */
const temporary: readonly ErrorCode[] = [
  'rate_limited',
  'database_unavailable',
  'database_busy',
  'sign_on_unavailable',
  'shutting_down',
  'unreachable',
  'timed_out',
  'outcome_unknown',
]

/**
 * A call that failed. The message says what happened; it never has the key. `code` is stable: `outcome_unknown` means that a change
 * was sent and its answer was lost, and after any other code nothing was changed, except after `partial` and `internal`.
 */
export class JobsError extends Error {
  override readonly name = 'JobsError'
  readonly code: ErrorCode
  /** The HTTP status; undefined where there is no answer. */
  readonly status: number | undefined
  /** What to do next. */
  readonly hint: string | undefined
  /** The id of the request, which the log of the server has. */
  readonly requestId: string | undefined
  /** Seconds after which another try makes sense. */
  readonly retryAfter: number | undefined
  /** What is wrong with the input; empty for other codes than `invalid_request`. */
  readonly faults: readonly Fault[]
  /** Of `events_expired` and `events_reset`: the ids that the event log has. */
  readonly oldestId: number | undefined
  readonly newestId: number | undefined
  /** True for an answer without a code and a sentence, such as the page of a proxy: it was not sent by a jobs server. */
  readonly isPage: boolean

  constructor(code: ErrorCode, message: string, about: About = {}) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause })
    this.code = code
    this.status = about.status
    this.hint = about.hint
    this.requestId = about.requestId
    this.retryAfter = about.retryAfter
    this.faults = about.faults ?? []
    this.oldestId = about.oldestId
    this.newestId = about.newestId
    this.isPage = about.isPage ?? false
  }

  /** True when the same call may succeed later. */
  get temporary(): boolean {
    return temporary.includes(this.code)
  }
}

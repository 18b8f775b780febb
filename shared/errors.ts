import type { Exit } from './exits.ts'

/** Every code of a failure, with its HTTP status and the exit code of `jobsctl`. */
export const failures = {
  confirmation_required: { status: 400, exit: 'not_confirmed' },
  malformed_json: { status: 400, exit: 'failed' },
  malformed_request: { status: 400, exit: 'failed' },
  unauthenticated: { status: 401, exit: 'auth' },
  forbidden: { status: 403, exit: 'auth' },
  login_too_old: { status: 403, exit: 'auth' },
  approval_required: { status: 403, exit: 'not_confirmed' },
  decide_elsewhere: { status: 403, exit: 'not_confirmed' },
  frozen: { status: 403, exit: 'conflict' },
  database_right_missing: { status: 403, exit: 'auth' },
  records_missing: { status: 403, exit: 'not_confirmed' },
  not_found: { status: 404, exit: 'not_found' },
  method_not_allowed: { status: 405, exit: 'failed' },
  conflict: { status: 409, exit: 'conflict' },
  queue_draining: { status: 409, exit: 'conflict' },
  lease_lost: { status: 409, exit: 'conflict' },
  preview_stale: { status: 409, exit: 'conflict' },
  events_reset: { status: 410, exit: 'conflict' },
  events_expired: { status: 410, exit: 'conflict' },
  foreign_rows: { status: 409, exit: 'not_confirmed' },
  limit_exceeded: { status: 412, exit: 'over_limit' },
  too_large: { status: 413, exit: 'usage' },
  unsupported_media_type: { status: 415, exit: 'failed' },
  misdirected: { status: 421, exit: 'failed' },
  invalid_request: { status: 422, exit: 'usage' },
  not_supported: { status: 422, exit: 'usage' },
  preview_incomplete: { status: 422, exit: 'usage' },
  rate_limited: { status: 429, exit: 'unavailable' },
  quota_exceeded: { status: 429, exit: 'over_limit' },
  internal: { status: 500, exit: 'failed' },
  database_unavailable: { status: 503, exit: 'unavailable' },
  database_busy: { status: 503, exit: 'unavailable' },
  partial: { status: 503, exit: 'partial' },
  outcome_unknown: { status: 503, exit: 'unavailable' },
  sign_on_unavailable: { status: 503, exit: 'unavailable' },
  shutting_down: { status: 503, exit: 'unavailable' },
  // The codes below happen only in the command line; their status is the one that a server would send.
  unreachable: { status: 503, exit: 'unavailable' },
  timed_out: { status: 504, exit: 'unavailable' },
  unexpected_answer: { status: 502, exit: 'failed' },
  usage: { status: 422, exit: 'usage' },
  interrupted: { status: 503, exit: 'interrupted' },
  terminated: { status: 503, exit: 'terminated' },
} as const satisfies Record<string, { status: number; exit: Exit }>

export type FailureCode = keyof typeof failures

export const failureCodes = Object.keys(failures).filter((code): code is FailureCode => code in failures)

/** The code that a server sent, or undefined when this version does not know it. */
export const knownCode = (sent: string | undefined): FailureCode | undefined =>
  failureCodes.find((code) => code === sent)

/** The code that fits an HTTP status best, for a response without a known code. */
export function codeOfStatus(status: number): FailureCode {
  if (status === 400) return 'malformed_request'
  if (status >= 502 && status <= 504) return 'database_unavailable'
  return failureCodes.find((code) => failures[code].status === status) ?? 'internal'
}

/** One fault of a request: `path` is a field or header, and `message` is a predicate such as `is required`. */
export interface Fault {
  path: string
  message: string
}

/** What a repeated request must change to have another outcome, for scripts. */
export type RetryWith = 'another_idempotency_key'

/** Fields of the error body that some errors have beside those of every error. */
export type MoreFields = Readonly<Record<string, number | boolean | null>>

interface FailureOptions {
  hint?: string | undefined
  retryWith?: RetryWith | undefined
  faults?: readonly Fault[]
  /** Seconds after which another try makes sense. */
  retryAfter?: number | undefined
  requestId?: string | undefined
  /** The URL of the server that sent the failure, as the caller gave it. */
  server?: string | undefined
  /** The methods that an existing path takes, for the header `Allow`. */
  allow?: readonly string[]
  fields?: MoreFields | undefined
  cause?: unknown
}

/** The only error class. The message says what happened and what was changed; `hint` says what to do next. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: FailureCode
  readonly hint: string | undefined
  readonly retryWith: RetryWith | undefined
  readonly faults: readonly Fault[]
  readonly retryAfter: number | undefined
  readonly requestId: string | undefined
  readonly server: string | undefined
  readonly allow: readonly string[]
  readonly fields: MoreFields

  constructor(code: FailureCode, detail: string, options: FailureOptions = {}) {
    super(detail, { cause: options.cause })
    this.code = code
    this.hint = options.hint
    this.retryWith = options.retryWith
    this.faults = options.faults ?? []
    this.retryAfter = options.retryAfter
    this.requestId = options.requestId
    this.server = options.server
    this.allow = options.allow ?? []
    this.fields = options.fields ?? {}
  }
}

/** True for the refusal of a request for this field, which an older server does not know. */
export const refusesField = (error: unknown, field: string): boolean =>
  error instanceof Failure && error.code === 'invalid_request' && error.faults.some(({ path }) => path === field)

/** The error body on the wire (RFC 9457), as jobs-server sends it. */
export interface Problem {
  type: string
  title: string
  status: (typeof failures)[FailureCode]['status']
  detail: string
  code: FailureCode
  request_id: string
  hint?: string
  retry_with?: RetryWith
  errors?: readonly Fault[]
}

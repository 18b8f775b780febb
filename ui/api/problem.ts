import type { Fault } from '../../shared/errors.ts'

const unknownOutcome =
  'What the call would have changed may have been changed, or not. Try again: a repeated change is made once.'

/** Why a call failed, as the server says it (RFC 9457), or why there is no answer. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly code: string
  readonly hint: string | undefined
  readonly faults: readonly Fault[]
  readonly requestId: string | undefined
  /** Further fields of this code, such as `dependents_elsewhere`. */
  readonly fields: Readonly<Record<string, unknown>>

  constructor(body: Readonly<Record<string, unknown>>, status: number) {
    super(textOf(body.detail) ?? `the server answered ${status} without saying why`)
    this.status = status
    this.code = textOf(body.code) ?? 'unexpected_answer'
    // A proxy gave up on a server that may have got the call.
    this.hint = textOf(body.hint) ?? (body.code === undefined && status >= 500 ? unknownOutcome : undefined)
    this.faults = Array.isArray(body.errors) ? body.errors.filter(isFault) : []
    this.requestId = textOf(body.request_id)
    this.fields = body
  }
}

/** The problem of a call that got no answer. Whether it did anything is not known. */
export const unreachable = (): Problem =>
  new Problem(
    {
      code: 'unreachable',
      detail: 'The server does not answer.',
      hint: unknownOutcome,
    },
    0,
  )

/** Anything that was thrown, as a problem. */
export const problemOf = (error: unknown): Problem =>
  error instanceof Problem
    ? error
    : new Problem({ code: 'unexpected_answer', detail: error instanceof Error ? error.message : String(error) }, 0)

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

const isFault = (value: unknown): value is Fault =>
  typeof value === 'object' &&
  value !== null &&
  'path' in value &&
  typeof value.path === 'string' &&
  'message' in value &&
  typeof value.message === 'string'

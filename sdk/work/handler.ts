import type { LeasedJob } from '../wire/types.ts'
import { JobFailure } from './job-failure.ts'

/** What a handler gets. */
export interface JobContext<Payload = unknown> {
  /** The input of the job. */
  readonly payload: Payload
  /** The whole row of the job. */
  readonly job: LeasedJob
  /**
   * Aborts when the job is cancelled, when its lease is lost, when its time is over, and when the worker stops and the time for running
   * jobs is over. The reason is a JobAborted.
   */
  readonly signal: AbortSignal
  /** Reports progress in percent, and a message; both are sent within a second or two. */
  readonly progress: (percent: number, message?: string) => void
}

/**
 * Does one job and returns its result, as JSON, or what `snooze`, `discard` or `cancel` returns. An error that it throws fails the attempt, and the server decides whether there is
 * another one.
 */
export type Handler<Payload = unknown> = {
  // A method, so that a handler of one type of payload is a handler: the wire knows no type, and `withSchema` checks one.
  handle(context: JobContext<Payload>): unknown
}['handle']

/** A schema as Standard Schema has it, which zod, valibot and arktype keep. */
export interface PayloadSchema<Payload> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Payload> | Promise<SchemaResult<Payload>>
  }
}

export type SchemaResult<Payload> =
  | { readonly value: Payload; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/**
 * A handler whose payload has been checked. A payload that breaks the schema fails the job with the code `invalid_payload` and without
 * another attempt, which would fail, too.
 */
export const withSchema =
  <Payload>(schema: PayloadSchema<Payload>, handle: (context: JobContext<Payload>) => unknown): Handler =>
  async (context) => {
    const result = await schema['~standard'].validate(context.payload)
    if (result.issues === undefined) return handle({ ...context, payload: result.value })
    throw new JobFailure(`the payload breaks its schema: ${result.issues.map(sentenceOf).join('; ')}`, {
      code: 'invalid_payload',
      retryable: false,
    })
  }

function sentenceOf({ path = [], message }: SchemaIssue): string {
  const names = path.map((part) => String(typeof part === 'object' ? part.key : part))
  return names.length === 0 ? message : `${names.join('.')}: ${message}`
}

import * as z from 'zod'
import { wholeNumber } from '../scope.ts'
import { isUuid, readJobId } from './job-key.ts'

/** Text that the tables keep: at most `most` characters, without NUL and half surrogates, which PostgreSQL cannot store. */
export const text = (most: number) =>
  z
    .string()
    .max(most, `must be at most ${most} characters`)
    .refine((value) => !/[\0\p{Cs}]/u.test(value), 'must be text without NUL or half characters')

/** Text as `text` takes it, which is not blank. */
export const words = (most: number) => text(most).refine((value) => value.trim() !== '', 'must not be blank')

/** An id that is a number: of a record, a plan or a hold, and of a job that this server runs itself. */
export const OwnId = wholeNumber(1)

/** The same in a path. */
export const PathId = z
  .string()
  .regex(/^[1-9]\d{0,15}$/, 'must be an id, such as 8123')
  .transform(Number)
  .pipe(OwnId)

/** The id of a job that this server runs itself, in a path: a number, or the uuid of the job. */
export const PathJobId = z
  .string()
  .refine((text) => isUuid(text) || PathId.safeParse(text).success, 'must be an id, such as 8123, or the uuid of a job')
  .transform((text): JobId => (isUuid(text) ? text : Number(text)))
  .meta({ type: 'string', format: 'job-id' })

/** The format of ids of jobs in the documents. */
const format = 'job-id'

/** The id of a job in an answer: a number, and for a job of another engine the text of its key. */
export const JobId = z.union([z.number(), z.string()]).meta({ format })
export type JobId = z.output<typeof JobId>

/** Takes the text of a key beside what `number` takes. Faults are those of `number`. */
export const orJobKey = <Sent>(number: z.ZodType<number>) =>
  z
    .custom<Sent>(() => true)
    .transform((value, context): JobId => {
      const id = typeof value === 'string' ? readJobId(value) : undefined
      if (typeof id === 'string') return id
      const read = number.safeParse(value)
      if (read.success) return read.data
      context.issues.push(
        ...read.error.issues.map(({ message }) => ({ code: 'custom' as const, message, input: value })),
      )
      return z.NEVER
    })

/** The id of a job in a body: a number, or the text of a key. */
export const GivenJobId = orJobKey<JobId>(OwnId).meta({ type: ['integer', 'string'], minimum: 1, format })

/** The id of a job in a URL or on a command line: digits are a number, and any other text is a key. */
export const TypedJobId = orJobKey<string>(PathId).meta({ type: 'string', format })

const deepest = 100

/** Deeper nesting could exhaust the stack of a program that reads the value. */
const isShallow = (value: unknown, levels = deepest): boolean =>
  typeof value !== 'object' ||
  value === null ||
  Object.values(value).every((part) => levels > 0 && isShallow(part, levels - 1))

const tooDeep = `must be nested at most ${deepest} deep`
const unstorable = 'must be text without NUL or half characters throughout'

/** True where all names and strings in a value can be stored: PostgreSQL rejects NUL and half surrogates even when they are escaped. */
export const isStorable = (value: unknown): boolean => !unstorableEscape.test(JSON.stringify(value) ?? '')
const unstorableEscape = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/

/** Any JSON, such as the result of a job. */
export const Json = z
  .unknown()
  .refine((value) => isShallow(value), { message: tooDeep, abort: true })
  .refine(isStorable, unstorable)

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A JSON object, such as a payload: stored as it is, whatever the names of its fields are. */
export const JsonObject = z
  .custom<object>(isObject, 'must be an object')
  .refine((value) => isShallow(value), { message: tooDeep, abort: true })
  .refine(isStorable, unstorable)
  .meta({ type: 'object', additionalProperties: true })

const time = z.string().nullable()
const string = z.string().nullable()
const number = z.number().nullable()

/**
 * A job with the names of its columns; times are ISO 8601 in UTC. Other programs may have written the row, so every column
 * outside of the key may be null. The completion token is left out, because only the worker of the job may know it.
 */
export const Job = z.object({
  id: z.number(),
  uuid: string,
  domain: z.string(),
  queue: z.string(),
  job_type: z.string(),
  owner_user_id: string,
  project_id: number,
  batch_group: string,
  idempotency_key: string,
  payload: z.unknown(),
  result: z.unknown(),
  status: z.string(),
  priority: number,
  max_retries: number,
  retry_count: number,
  available_at: time,
  started_at: time,
  acquired_at: time,
  leased_until: time,
  lease_id: string,
  worker_id: string,
  error_message: string,
  error_code: string,
  error_class: string,
  last_error: string,
  error_stack: z.unknown(),
  cancel_requested_at: time,
  cancelled_at: time,
  cancellation_reason: string,
  failure_streak_code: string,
  failure_streak_count: number,
  quarantined_at: time,
  progress_percent: number,
  progress_message: string,
  request_id: string,
  trace_id: string,
  failure_timeline: z.unknown(),
  created_at: time,
  updated_at: time,
  completed_at: time,
})
export type Job = z.output<typeof Job>

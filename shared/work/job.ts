import * as z from 'zod'
import { groupNames, Instant, Integer, wholeNumber } from '../scope.ts'
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
export const JobId = z.union([Integer, z.string()]).meta({ format })
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
        ...read.error.issues.map((issue) => ({
          code: 'custom' as const,
          message: value === undefined ? 'is required' : issue.message,
          input: value,
        })),
      )
      return z.NEVER
    })

/** The id of a job in a body: a number, or the text of a key. */
export const GivenJobId = orJobKey<JobId>(OwnId).meta({ type: ['integer', 'string'], minimum: 1, format })

/** The id of a job that this server runs itself, in a body: a number, or the uuid of the job. */
export const GivenOwnJobId = z
  .custom<JobId>((value) => (typeof value === 'string' ? isUuid(value) : OwnId.safeParse(value).success), {
    error: ({ input }) => OwnId.safeParse(input).error?.issues[0]?.message,
  })
  .meta({ type: ['integer', 'string'], minimum: 1, format })

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

/** Every state of a job. */
export const jobStates = ['queued', 'processing', 'completed', 'failed', 'cancelled', 'quarantined'] as const
export type JobState = (typeof jobStates)[number]

/** The state of a job in an answer. A reader takes any text, since a later version may have further states: the documents name today's. */
export const State = z.string().meta({ enum: [...jobStates] })

const time = Instant.nullable()
const string = z.string().nullable()
const integer = Integer.nullable()

/**
 * A job with the names of its columns; times are ISO 8601 in UTC. Other programs may have written the row, so every column
 * outside of the key may be null. The completion token is left out, because only the worker of the job may know it.
 */
export const Job = z.object({
  id: Integer.describe('the number of the job'),
  uuid: string.describe('the name by which `depends_on` names it'),
  ...groupNames,
  owner_user_id: string.describe('whose job it is'),
  project_id: integer.describe('the project of the job'),
  batch_group: string.describe('the name that jobs of one batch share'),
  idempotency_key: string.describe('the key of its enqueue'),
  payload: z.unknown().describe('what the worker gets'),
  result: z.unknown().describe('what the worker has returned'),
  status: State.describe('the state of the job'),
  priority: integer.describe('1 runs first, 10 last'),
  max_retries: integer.describe('attempts after the first one'),
  retry_count: integer.describe('failed attempts so far'),
  available_at: time.describe('the job does not run before; null for at once'),
  started_at: time.describe('when its last attempt began'),
  acquired_at: time.describe('when its last lease began'),
  leased_until: time.describe('when the lease of the running attempt ends'),
  lease_id: string.describe('the lease of the attempt; null to readers, since it proves the lease'),
  worker_id: string.describe('who runs it, or ran it last'),
  error_message: string.describe('the error of its end'),
  error_code: string.describe('the code of that error'),
  error_class: string.describe('the class of that error'),
  last_error: string.describe('the error of the last failed attempt'),
  error_stack: z.unknown().describe('the stack of that error'),
  cancel_requested_at: time.describe('when somebody asked the running job to end'),
  cancelled_at: time.describe('when it was cancelled'),
  cancellation_reason: string.describe('why it was cancelled'),
  failure_streak_code: string.describe('the code of the last failures in a row'),
  failure_streak_count: integer.describe('how many failures in a row had this code'),
  quarantined_at: time.describe('when it was quarantined'),
  progress_percent: z.number().nullable().describe('the progress that its worker reported'),
  progress_message: string.describe('a sentence about the progress'),
  request_id: string.describe('the request that enqueued it'),
  trace_id: string.describe('the trace of that request'),
  failure_timeline: z.unknown().describe('its failures, as other programs keep them'),
  created_at: time.describe('when it was enqueued'),
  updated_at: time.describe('when its row was changed last'),
  completed_at: time.describe('when it was completed or failed for good'),
})
export type Job = z.output<typeof Job>

/** A job as its worker gets it. */
export const LeasedJob = Job.extend({
  traceparent: string
    .optional()
    .describe(
      'the span that enqueued it, as W3C Trace Context has it: `00-<trace>-<span>-<flags>`; null without one, and absent from servers before 0.3.0',
    ),
})
export type LeasedJob = z.output<typeof LeasedJob>

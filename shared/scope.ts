import * as z from 'zod'
import { hasAtMost, longest, longestOfEngines } from './text/longest.ts'
import { isKeepable } from './times/moment.ts'

/** Null and blank texts count as absent, because existing clients send them for absent fields. */
const absent = (value: unknown) =>
  value === null || (typeof value === 'string' && value.trim() === '') ? undefined : value

/** A field that may be left out, or sent as null or blank. */
export const optional = <T extends z.ZodType>(schema: T) => z.preprocess(absent, schema.optional()).optional()

/** A field with a default value, which is taken when the field is left out, or sent as null or blank. */
export const preset = <T extends z.ZodType>(schema: T, value: z.output<T>) =>
  optional(schema).transform((given): z.output<T> => given ?? value)

const trimmed = z.string().trim().min(1, 'must not be blank')

const atMost = (most: number) => `must be at most ${most} characters`

/** A name of a scope: trimmed, 1 to 128 characters, without control characters. */
export const ScopeName = trimmed
  .refine((name) => hasAtMost(name, longest.domain), atMost(longest.domain))
  .refine((name) => !/[\p{Cc}\p{Cs}]/u.test(name), 'must not contain control characters')

/** True while an input about our own jobs is read. */
let isAboutOwn = false

/**
 * Reads an input about our own jobs: their queues and job types have names as `ScopeName`. Without it, names are taken as engines have them.
 * @param read calls the schema, and ends before it returns
 */
export function readAsOwn<Result>(read: () => Result): Result {
  isAboutOwn = true
  try {
    return read()
  } finally {
    isAboutOwn = false
  }
}

const longestName = () => (isAboutOwn ? longest.queue : longestOfEngines)

/**
 * The name of a queue or a job type. That of an engine has up to 1,024 characters, control characters among them; PostgreSQL keeps no null
 * character, and UTF-8 no half of a surrogate pair.
 */
export const QueueName = trimmed
  .refine((name) => hasAtMost(name, longestName()), { error: () => atMost(longestName()) })
  .refine((name) => !(isAboutOwn ? /[\p{Cc}\p{Cs}]/u : /[\0\p{Cs}]/u).test(name), {
    error: () => (isAboutOwn ? 'must not contain control characters' : 'must not contain null characters'),
  })

const whole = 'must be a whole number'

/** A whole number from `min` to `max`. */
export const wholeNumber = (min: number, max = Number.MAX_SAFE_INTEGER) =>
  z.number(whole).int(whole).min(min, `must be at least ${min}`).max(max, `must be at most ${max}`)

/** A whole number from `least` to `most` in a query; a blank text is absent. */
export const queryNumber = (least: number, most: number, preset: number) =>
  optional(
    z
      .string()
      .regex(/^\d{1,16}$/, 'must be a whole number')
      .transform(Number)
      .refine((value) => value >= least && value <= most, `must be from ${least} to ${most}`),
  )
    .transform((value) => value ?? preset)
    .meta({ type: 'integer', minimum: least, maximum: most, default: preset })

/** A whole number of a query; a number outside of the range is taken as the nearest end of it. */
export const clampedNumber = (least: number, most: number, preset: number) =>
  optional(
    z
      .string()
      .regex(/^-?\d{1,16}$/, 'must be a whole number')
      .transform((text) => Math.min(most, Math.max(least, Number(text)))),
  )
    .transform((value) => value ?? preset)
    .meta({ type: 'integer', default: preset })

export const Domain = ScopeName.describe('the domain')
export const Queue = QueueName.describe('the queue')
export const JobType = QueueName.describe('the job type')

/** The filters of every endpoint; a field that is absent does not filter. */
export const scopeFields = {
  domain: optional(Domain),
  queue: optional(Queue),
  job_type: optional(JobType),
}
export const ScopeFilter = z.strictObject(scopeFields)

/** The filters of a scope as read; a field that is undefined does not filter. */
export interface Scope {
  domain?: string | undefined
  queue?: string | undefined
  job_type?: string | undefined
}

const mostJobs = 1000

/** The list of 1 to 1,000 jobs of a call about many jobs. */
export const jobList = <T extends z.ZodType>(item: T) =>
  z
    .array(item, 'must be a list of jobs')
    .min(1, 'must have at least one job')
    .max(mostJobs, `must have at most ${mostJobs} jobs`)

/** The names of a queue in an answer. A reader takes them as they are. */
export const queueNames = {
  domain: z.string().describe('The domain of the queue.'),
  queue: z.string().describe('The name of the queue.'),
}

/** The names of a group in an answer: the jobs of one type in one queue. */
export const groupNames = { ...queueNames, job_type: z.string().describe('The type of the jobs.') }

/** What a change, a plan or an event is limited to, in an answer. */
export const scopeNames = {
  domain: z.string().nullable().describe('The domain that it is limited to; null for all.'),
  queue: z.string().nullable().describe('The queue that it is limited to; null for all.'),
  job_type: z.string().nullable().describe('The job type that it is limited to; null for all.'),
}

/** A count on the wire: a whole number from 0. */
export const Count = z.number().int().nonnegative()

/** A whole number of an answer. A reader does not check that it is whole: the documents say so. */
export const Integer = z.number().meta({ type: 'integer' })

/** A time of an answer, ISO 8601 in UTC. A reader takes it as it is: the documents say its format. */
export const Instant = z.string().meta({ format: 'date-time' })

/** A time in ISO 8601 with its offset from UTC. */
export const Time = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-01-31T12:00:00Z', abort: true })
  .refine(isKeepable, 'must be a time of the years 1 to 9999, less than 16 hours from UTC')

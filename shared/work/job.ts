import * as z from 'zod'
import { wholeNumber } from '../scope.ts'

/** Text that a caller chooses and the tables keep: any characters but NUL, which PostgreSQL has no place for. */
export const text = (most: number) =>
  z
    .string()
    .max(most, `must be at most ${most} characters`)
    .refine((value) => !/[\0\p{Cs}]/u.test(value), 'must be text without NUL or half characters')

/** Text that says something. */
export const words = (most: number) => text(most).refine((value) => value.trim() !== '', 'must not be blank')

/** The id of a job in a body. */
export const JobId = wholeNumber(1)

/** The id of a job in a path. */
export const PathId = z
  .string()
  .regex(/^[1-9]\d{0,15}$/, 'must be an id, such as 8123')
  .transform(Number)
  .pipe(JobId)

const deepest = 100

/** Deeper nesting than anybody means would exhaust the stack of whoever reads it. */
const isShallow = (value: unknown, levels = deepest): boolean =>
  typeof value !== 'object' ||
  value === null ||
  Object.values(value).every((part) => levels > 0 && isShallow(part, levels - 1))

const tooDeep = `must be nested at most ${deepest} deep`
const noPlace = 'must be text without NUL or half characters throughout'

/** Whether all the names and texts in it can be kept: PostgreSQL refuses these characters even when they are escaped. */
const isKeepable = (value: unknown): boolean => !unkeepable.test(JSON.stringify(value) ?? '')
const unkeepable = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/

/** What a worker hands over for a caller to read: any JSON. */
export const Json = z
  .unknown()
  .refine((value) => isShallow(value), { message: tooDeep, abort: true })
  .refine(isKeepable, noPlace)

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

/** What a caller hands over for a worker to read: kept as it is, whatever its fields are called. */
export const JsonObject = z
  .custom<object>(isObject, 'must be an object')
  .refine((value) => isShallow(value), { message: tooDeep, abort: true })
  .refine(isKeepable, noPlace)

const time = z.string().nullable()
const string = z.string().nullable()
const number = z.number().nullable()

/**
 * A job as it is stored, in the names of its columns; times are ISO 8601 in UTC. Rows may come from
 * other programs, so what is not a key may be null. The completion token is its worker's alone.
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

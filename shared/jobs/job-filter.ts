import * as z from 'zod'
import { optional, scopeFields, Time, wholeNumber } from '../scope.ts'
import { readSwitch } from '../switch.ts'
import { longest } from '../text/longest.ts'
import { jobStates, TypedJobId, text, words } from '../work/job.ts'

export const Status = z
  .string()
  .trim()
  .toLowerCase()
  .pipe(
    z.enum(jobStates, {
      error: ({ input }) =>
        input === unmapped
          ? `must not be ${unmapped} but in a list: no change takes jobs whose state is not in the map of their table`
          : `must be one of ${jobStates.join(', ')}`,
    }),
  )

/** The status of a job of a mapped table whose state the map does not name. */
const unmapped = 'unmapped'
const listedStates = [...jobStates, unmapped] as const
const ListedStatus = z
  .string()
  .trim()
  .toLowerCase()
  .pipe(z.enum(listedStates, `must be one of ${listedStates.join(', ')}`))

/** A query has the items of a list in one text, separated by commas. */
const listOf = <T extends z.ZodType>(item: T, most: number) =>
  optional(
    z.preprocess(
      (value) => (typeof value === 'string' ? value.split(',') : value),
      z.array(item, 'must be a list').min(1, 'must not be empty').max(most, `must have at most ${most} items`),
    ),
  )

const Id = z.preprocess((value) => (typeof value === 'number' ? String(value) : value), TypedJobId)

/** A query has a number as text. */
const RetryCount = z.preprocess(
  (value) => (typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value),
  wholeNumber(0, 2 ** 31 - 1),
)

/** A query has a switch as text. */
export const Switch = z.preprocess(
  (value) => (typeof value === 'string' ? readSwitch(value) : value),
  z.boolean('must be true or false'),
)

const Path = text(200)
  .transform((path) => path.split('.'))
  .refine((names) => names.every((name) => name !== ''), 'must have a name between every two dots')
  .refine((names) => names.length <= 20, 'must have at most 20 names')

/** The version of the rules of a cluster, and the 12 hexadecimal digits of its hash. */
const ClusterId = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^v\d{1,6}-[0-9a-f]{12}$/, 'must be the id of a cluster, such as v1-0123456789ab')

/** `path` is a list of names from the payload down to a value. */
export const PayloadValue = z.strictObject({ path: Path, value: text(longest.payload) })

/** Which jobs an endpoint is about; a field that is absent does not filter. Times are from `after` on and before `before`. */
export const jobFilterFields = {
  ...scopeFields,
  status: listOf(Status, jobStates.length).describe(
    'only jobs in this state, or in one of several that are separated by commas',
  ),
  owner_user_id: optional(words(longest.owner_user_id)).describe('only jobs of this owner'),
  batch_group: optional(words(longest.batch_group)).describe('only jobs of this batch'),
  worker_id: optional(words(longest.worker_id)).describe('only jobs that this worker runs, or ran last'),
  error_code: optional(words(longest.error_code)).describe('only jobs with this error code'),
  error: optional(words(longest.error)).describe('a part of the error message, in upper or lower case'),
  created_after: optional(Time).describe('created at this time or later'),
  created_before: optional(Time).describe('created before this time'),
  ended_after: optional(Time).describe(
    'ended at this time or later: the first of `completed_at`, `cancelled_at` and `quarantined_at`',
  ),
  ended_before: optional(Time).describe('ended before this time'),
  min_retries: optional(RetryCount).describe('only jobs with at least this number of retries'),
  stale: optional(Switch).describe('`true`: only running jobs whose lease has expired; `false`: all others'),
  cluster: optional(ClusterId).describe('only failures of this cluster, as `GET /api/v1/jobs/clusters` has it'),
  ids: listOf(Id, 200).describe('only these jobs: separated by commas in a query, a list in a body'),
  payload: optional(
    z
      .array(PayloadValue, 'must be a list of {"path": …, "value": …}, and in a query payload.<path>=<value>')
      .max(5, 'must have at most 5 items'),
  ).describe(
    'only jobs with this value in the payload: a field `payload.<path>`, such as `payload.customer.id=7` in a query',
  ),
}
const JobFilter = z.strictObject(jobFilterFields)
export type JobFilter = z.output<typeof JobFilter>

/** The filter of a list, which finds jobs that no change takes, too. */
export const listFilterFields = {
  ...jobFilterFields,
  status: listOf(ListedStatus, listedStates.length).describe(
    'only jobs in this state, or in one of several that are separated by commas; `unmapped` over a mapped table: jobs whose state its map does not name',
  ),
}
const ListFilter = z.strictObject(listFilterFields)
export type ListFilter = z.output<typeof ListFilter>

const prefix = 'payload.'

/** Gathers the fields `payload.<path>` of a query into the list `payload`. Other inputs stay as they are. */
export function gatherPayload(query: unknown): unknown {
  if (typeof query !== 'object' || query === null) return query
  const fields = Object.entries(query)
  const payload = fields
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, value]) => ({ path: name.slice(prefix.length), value }))
  if (payload.length === 0 || Object.hasOwn(query, 'payload')) return query
  return { ...Object.fromEntries(fields.filter(([name]) => !name.startsWith(prefix))), payload }
}

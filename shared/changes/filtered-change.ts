import * as z from 'zod'
import { gatherPayload, jobFilterFields } from '../jobs/job-filter.ts'
import { optional, preset, scopeFields, wholeNumber } from '../scope.ts'
import { GivenJobId } from '../work/job.ts'
import { type JobId, readJobId } from '../work/job-key.ts'
import { bulkFields } from './bulk-change.ts'

const mostIds = 1_000_000

/** The id as it is kept; undefined for any other value, such as digits in quotation marks. */
function readId(value: unknown): JobId | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value > 0 ? value : undefined
  const id = typeof value === 'string' ? readJobId(value) : undefined
  return typeof id === 'string' ? id : undefined
}

/** Checked as one value: a schema for each of a million ids would block other calls for seconds. */
export const Ids = z
  .custom<JobId[]>(
    (value) => Array.isArray(value) && value.length > 0 && value.every((item) => readId(item) !== undefined),
    'must be a list of ids, such as [8123, 8124]',
  )
  .refine((ids) => ids.length <= mostIds, `must have at most ${mostIds.toLocaleString('en-US')} items`)
  .transform((ids) => ids.map((id) => readId(id) ?? id))
  .meta({
    type: 'array',
    items: { type: ['integer', 'string'], minimum: 1, format: 'job-id' },
    minItems: 1,
    maxItems: mostIds,
  })

const { domain: _domain, queue: _queue, job_type: _jobType, status: _status, ...others } = jobFilterFields

const namedIds = optional(Ids).describe('only these jobs: separated by commas in a query, a list in a body')

/** The fields of the filter beside the scope, for changes that have always taken a scope. */
export const fieldsBesideScope = { ...others, ids: namedIds }

const filterFields = {
  ...jobFilterFields,
  ids: namedIds,
  /** Existing clients send it instead of `ids`. */
  job_id: optional(GivenJobId).describe('this job alone'),
  all: preset(z.boolean('must be true or false'), false).describe(
    'true for every job that the change can take, in place of a filter',
  ),
}

const JobSelection = z.object(filterFields)
/** Which jobs a change takes, of those that its kind can take. */
export type JobSelection = z.output<typeof JobSelection>

/** A state alone would mean the jobs of every domain, so it does not narrow a change. */
const narrowing = [...Object.keys(filterFields), 'worker_prefix'].filter((name) => name !== 'status')

/** The names of the fields that the request has. */
const givenNames = (request: object): string[] =>
  Object.entries(request)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name]) => name)

const isNarrowed = (request: object): boolean => givenNames(request).some((name) => narrowing.includes(name))

const hasTwoListsOfIds = (request: object): boolean => {
  const names = givenNames(request)
  return names.includes('ids') && names.includes('job_id')
}

/** Prepares the input of a change: it gathers the fields `payload.<path>`, and refuses blank fields of the filter. */
export function prepareFilter(request: unknown, context: z.core.ParsePayload): unknown {
  for (const name of blankFilters(request)) {
    context.issues.push({ code: 'custom', path: [name], message: 'must not be blank', input: request })
  }
  return gatherPayload(request)
}

/**
 * The input of a change that takes a filter. At least one field of the filter beside `status` must be sent, or `all: true`,
 * so that a filter which a script forgot does not mean every job.
 * @param own the fields that only this change has
 */
export const filteredRequest = <T extends z.ZodRawShape>(own: T) =>
  z.preprocess(
    prepareFilter,
    z
      .strictObject({ ...filterFields, ...bulkFields, ...own })
      .refine(isNarrowed, { path: ['domain'], message: noFilter })
      .refine((request) => !hasTwoListsOfIds(request), { path: ['job_id'], message: 'and ids exclude each other' }),
  )

/**
 * The fields of the filter that are sent as null or blank. A list takes them for absent, and a change does not: the variable
 * that a script forgot to set must not mean every job. Existing clients send blank scopes, and null for job_id.
 */
const blankFilters = (request: unknown): string[] =>
  typeof request !== 'object' || request === null
    ? []
    : Object.entries(request)
        .filter(
          ([name, value]) =>
            unblankable.has(name) && (value === null || (typeof value === 'string' && value.trim() === '')),
        )
        .map(([name]) => name)

const unblankable = new Set(
  [...narrowing, 'status'].filter((name) => name !== 'job_id' && !Object.hasOwn(scopeFields, name)),
)

const noFilter = 'is missing: give domain or another filter, or all: true to mean the jobs of every domain'

/** The bytes that a million ids take in a body, in multiples of the largest payload (1 MiB by default). */
export const documentsOfIds = 16

/** Of a change that hands jobs out again. */
export const spreadSeconds = optional(wholeNumber(1, 7 * 24 * 3600)).describe(
  'spread the jobs over this time, so that they do not all run at once',
)

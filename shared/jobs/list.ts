import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { askedWithEnded } from '../engine/verbs.ts'
import { groupNames, optional, preset, queryNumber } from '../scope.ts'
import { Job, JobId, text, words } from '../work/job.ts'
import { gatherPayload, listFilterFields, Switch } from './job-filter.ts'
import { mostScanned } from './most-scanned.ts'

const sortKeys = ['created_at', 'priority', 'status', 'completed_at', 'ended_at'] as const
const orders = ['asc', 'desc'] as const

const oneOf = <const T extends readonly string[]>(words: T) =>
  z
    .string()
    .trim()
    .toLowerCase()
    .pipe(z.enum(words, `must be one of ${words.join(', ')}`))

/**
 * A job of a list: the 15 fields of the other server in its order, then the fields that only this server has. `native_state` is the state in
 * the words of another engine, or of a mapped table; own jobs do not have it.
 */
export const ListedJob = z.object({
  id: JobId.describe('the number of the job'),
  uuid: Job.shape.uuid,
  ...groupNames,
  status: Job.shape.status,
  priority: Job.shape.priority,
  retry_count: Job.shape.retry_count,
  max_retries: Job.shape.max_retries,
  available_at: Job.shape.available_at,
  created_at: Job.shape.created_at,
  acquired_at: Job.shape.acquired_at,
  started_at: Job.shape.started_at,
  leased_until: Job.shape.leased_until,
  completed_at: Job.shape.completed_at,
  owner_user_id: Job.shape.owner_user_id.optional(),
  batch_group: Job.shape.batch_group.optional(),
  error_code: Job.shape.error_code.optional(),
  worker_id: Job.shape.worker_id.optional(),
  native_state: z
    .string()
    .nullable()
    .optional()
    .describe('the state in the words of another engine, or of a mapped table'),
  updated_at: Job.shape.updated_at.optional(),
  cancellation_reason: Job.shape.cancellation_reason.optional(),
  error_message: z
    .string()
    .nullable()
    .optional()
    .describe('With `errors` alone: its first 1,000 characters, and for a caller without `payloads` their pattern.'),
})
export type ListedJob = z.output<typeof ListedJob>

/** The columns that every list has. */
export const listedColumns = Object.keys(ListedJob.shape).filter((name) => name !== 'error_message')

const ListRequest = z.strictObject({
  ...listFilterFields,
  idempotency_key: optional(words(256)).describe(
    'only jobs that were enqueued with this key: one at most in each queue and job type',
  ),
  sort_by: preset(oneOf(sortKeys), 'created_at').describe(
    `\`created_at\`, \`priority\`, \`status\`, \`completed_at\` or \`ended_at\`; jobs without the key come last, by their creation. By \`priority\` and \`status\` the newest jobs are sorted first, as many as are read in 200 ms and ${mostScanned.toLocaleString('en')} at most, then the next ones`,
  ),
  sort_order: preset(oneOf(orders), 'desc').describe('`asc` or `desc`; equal keys are in the order of their ids'),
  limit: queryNumber(1, 1000, 100).describe('the most rows to answer'),
  errors: optional(Switch).describe(
    '`true`: with the first 1,000 characters of the error message; without the right `payloads`, their pattern',
  ),
  cursor: optional(text(8192)).describe('where the page begins: part of a URL of the header `Link`'),
})
export type ListRequest = z.output<typeof ListRequest>
export type SortKey = ListRequest['sort_by']

/**
 * A job whose sort key and filtered columns do not change while the pages are read is in exactly one page. A job without the sort key
 * comes after all others in both orders; by the time of the end, such jobs come in the order of their creation.
 */
export const listJobs = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/list',
  meaning: `Jobs that match a filter, in pages. The header \`Link\` has the pages beside this one, and \`X-Complete\` is \`false\` where the search stopped after ${mostScanned.toLocaleString('en')} rows or 200 ms. Over the jobs of an engine it goes on for 1 s without a match. Where it takes over 3 s to read all jobs of an engine, it is \`false\`, too, without \`Link\`: the page has the first jobs of a sample of about ${mostScanned.toLocaleString('en')}. \`X-Only-Newest\` is \`true\` where a list of an engine by priority or status has only the ${mostScanned.toLocaleString('en')} jobs that were made last, on whichever page. \`X-Hides-Rows\` is \`true\` where row-level security hides jobs of an engine from the role of the server. \`X-Missing-Index\` then names an index that the database lacks for it.`,
  slow: true,
  needs: 'read',
  scoped: 'narrowed',
  verb: ({ status }) => askedWithEnded('list', status),
  // A caller who may not see a value could guess it by filters. For parts of the payload the server knows what a viewer may see.
  needsFor: ({ error }) => (error === undefined ? undefined : 'payloads'),
  input: z.preprocess(gatherPayload, ListRequest),
  output: z.array(ListedJob),
  changes: () => false,
  readAt: () => 'stale-ok',
})

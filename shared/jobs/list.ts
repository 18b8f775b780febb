import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { optional, preset, queryNumber } from '../scope.ts'
import { text } from '../work/job.ts'
import { gatherPayload, jobFilterFields } from './job-filter.ts'

const sortKeys = ['created_at', 'priority', 'status', 'completed_at', 'ended_at'] as const
const orders = ['asc', 'desc'] as const

const oneOf = <const T extends readonly string[]>(words: T) =>
  z
    .string()
    .trim()
    .toLowerCase()
    .pipe(z.enum(words, `must be one of ${words.join(', ')}`))

const string = z.string().nullable()
const number = z.number().nullable()

/** A job of a list: the 15 fields of the other server in its order, then the fields that only this server has. */
export const ListedJob = z.object({
  id: z.number(),
  uuid: string,
  domain: z.string(),
  queue: z.string(),
  job_type: z.string(),
  status: z.string(),
  priority: number,
  retry_count: number,
  max_retries: number,
  available_at: string,
  created_at: string,
  acquired_at: string,
  started_at: string,
  leased_until: string,
  completed_at: string,
  owner_user_id: string.optional(),
  batch_group: string.optional(),
  error_code: string.optional(),
  worker_id: string.optional(),
})
export type ListedJob = z.output<typeof ListedJob>

export const listedColumns = Object.keys(ListedJob.shape)

const ListRequest = z.strictObject({
  ...jobFilterFields,
  sort_by: preset(oneOf(sortKeys), 'created_at'),
  sort_order: preset(oneOf(orders), 'desc'),
  limit: queryNumber(1, 1000, 100),
  /** The position from which a list goes on, as the header `Link` of the page before has it. */
  cursor: optional(text(4096)),
})
export type ListRequest = z.output<typeof ListRequest>
export type SortKey = ListRequest['sort_by']

/**
 * Jobs that match a filter, in pages. A job whose sort key and filtered columns do not change while the pages are read is in
 * exactly one page. A job without the sort key comes after all others in both orders; by the time of the end, such jobs come in
 * the order of their creation. The header `Link` has the next and the previous page.
 */
export const listJobs = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/list',
  slow: true,
  needs: 'read',
  scoped: 'narrowed',
  // Whoever may not see a value could guess it by filters. For parts of the payload the server knows what a viewer may see.
  needsFor: ({ error }) => (error === undefined ? undefined : 'payloads'),
  input: z.preprocess(gatherPayload, ListRequest),
  output: z.array(ListedJob),
  changes: () => false,
})

import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, ScopeFilter } from '../scope.ts'

export const GroupStats = z.object({
  domain: z.string(),
  queue: z.string(),
  job_type: z.string(),
  /** Jobs that are queued and due. */
  queued: Count,
  /** Jobs that are queued and due later. */
  scheduled: Count,
  processing: Count,
  quarantined: Count,
  /** Failed jobs, where the jobs are those of an engine that counts them; absent for jobs of our own. */
  failed: Count.optional(),
  /** Jobs of a mapped table to which its map gives no state; absent without such jobs. */
  unmapped: Count.optional(),
})
export type GroupStats = z.output<typeof GroupStats>

export const stats = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/stats',
  meaning:
    'Counts queued, scheduled, processing and quarantined jobs of each group. A group without live jobs has zeros. Over the jobs of another engine, `failed` is there, too.',
  needs: 'read',
  scoped: 'narrowed',
  verb: 'stats',
  input: ScopeFilter,
  output: z.array(GroupStats),
  changes: () => false,
  shared: true,
})

import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, groupNames, Instant, optional, scopeFields, Time } from '../scope.ts'

export const GroupStats = z.object({
  ...groupNames,
  queued: Count.describe('Jobs that are queued and due.'),
  scheduled: Count.describe('Jobs that are queued and due later.'),
  processing: Count.describe('Running jobs.'),
  quarantined: Count.describe('Jobs in quarantine.'),
  failed: Count.optional().describe(
    'Failed jobs, where the jobs are those of an engine that counts them; absent for jobs of our own.',
  ),
  unmapped: Count.optional().describe(
    'Jobs of a mapped table to which its map gives no state; absent without such jobs.',
  ),
  vanishing: z
    .string()
    .optional()
    .describe(
      'The states, with commas, in which the engine deletes jobs of the queue by itself; absent where nothing says that it does.',
    ),
  as_of: Instant.optional().describe(
    'With `at`: the moment of these counts, the last one at or before it; absent where none is near enough. Without it: when the counts were read, where the jobs are those of an engine that counts them by a pass over its whole table.',
  ),
  at_least: Instant.optional().describe(
    'With `at`: why no count of the moment is known, as a clause. The numbers are those of jobs that nobody has changed since: lower bounds.',
  ),
})
export type GroupStats = z.output<typeof GroupStats>

export const stats = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/stats',
  meaning:
    'Counts queued, scheduled, processing and quarantined jobs of each group. A group without live jobs has zeros. Over the jobs of another engine, `failed` is there, too. With `at`, the counts as they were then: they are written once a minute, and kept by the minute for 7 days and by the hour for 90.',
  needs: 'read',
  scoped: 'narrowed',
  verb: 'stats',
  input: z.strictObject({
    ...scopeFields,
    at: optional(Time).describe('as the counts were at this time, in place of now'),
  }),
  output: z.array(GroupStats),
  changes: () => false,
  readAt: ({ at }) => (at === undefined ? 'primary' : 'replica'),
  shared: true,
})

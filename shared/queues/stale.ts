import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, Instant, queueNames, ScopeFilter } from '../scope.ts'

export const StaleQueue = z.object({
  ...queueNames,
  count: Count.describe('Processing jobs whose lease has expired, and own jobs whose lease has no end.'),
  oldest: Instant.nullish().describe(
    'When the first of these leases expired; null where all of them have no end. Other servers do not send it.',
  ),
  at_least: z
    .boolean()
    .optional()
    .describe('True where more leases have expired than are read, so that the count is a lower bound; else absent.'),
})
export type StaleQueue = z.output<typeof StaleQueue>

export const staleQueues = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/stale',
  meaning:
    'The queues that hold expired leases: how many, and when the first of them expired. `X-Complete` is `false` where more than 50,000 leases have expired, so that counts are too low.',
  slow: true,
  needs: 'read',
  scoped: 'narrowed',
  verb: 'stats',
  input: ScopeFilter,
  output: z.array(StaleQueue),
  changes: () => false,
})

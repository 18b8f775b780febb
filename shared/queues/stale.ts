import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, scopeFields } from '../scope.ts'

export const StaleQueue = z.object({
  domain: z.string(),
  queue: z.string(),
  /** Processing jobs whose lease has expired, or has no end. */
  count: Count,
  /** When the first of these leases expired; null where all of them have no end. Other servers do not send it. */
  oldest: z.string().nullish(),
  /** True where more leases have expired than are read, so that the count is a lower bound; else absent. */
  at_least: z.boolean().optional(),
})
export type StaleQueue = z.output<typeof StaleQueue>

/** The queues that hold expired leases. */
export const staleQueues = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/stale',
  slow: true,
  needs: 'read',
  scoped: 'narrowed',
  input: z.strictObject(scopeFields),
  output: z.array(StaleQueue),
  changes: () => false,
})

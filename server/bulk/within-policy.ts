import type { Call } from '../call.ts'
import type { BulkChange } from './bulk-change.ts'

/** The change as a rule of the policy makes it: its record names the rule, and it stops after the most jobs of one run, the oldest first. */
export const withinPolicy = <Answer>(
  bulk: BulkChange<Answer>,
  { rule, most }: NonNullable<Call['policy']>,
): BulkChange<Answer> => ({
  ...bulk,
  request: { ...bulk.request, limit: most, policy: rule },
  limit: Math.min(most, bulk.limit ?? most),
  oldestFirst: true,
})

import type { BulkChange } from './bulk-change.ts'
import type { PolicyRun } from './commission.ts'
import type { VerifiedPreview } from './preview/preview-token.ts'

/**
 * The change as a rule of the policy makes it: its record names the rule, and it stops after the most jobs of one run. It takes the oldest
 * first where more were counted, which costs a sort.
 */
export function withinPolicy<Answer>(
  bulk: BulkChange<Answer>,
  { rule, most }: PolicyRun,
  previewed: VerifiedPreview | undefined,
): BulkChange<Answer> {
  const limit = Math.min(most, bulk.limit ?? most)
  const isWhole = typeof previewed?.count === 'number' && previewed.count <= limit
  return { ...bulk, request: { ...bulk.request, limit: most, policy: rule }, limit, oldestFirst: !isWhole }
}

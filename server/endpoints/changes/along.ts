import type { BatchCounts, CompletedChange } from '../../bulk/bulk-change.ts'

/** The fields of an answer for the jobs that were changed along; none where there were none. */
export function along(counts: BatchCounts, within: CompletedChange['within']) {
  const { dependents = 0, dependents_elsewhere: elsewhere = 0 } = counts
  if (dependents === 0) return {}
  return { dependents: dependents - elsewhere, ...(within && { dependents_elsewhere: elsewhere }) }
}

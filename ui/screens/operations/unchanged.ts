import type { Answer } from '../../api/call.ts'

type Changed = Pick<Answer<'getOperation'>, 'state' | 'error' | 'previewed' | 'affected' | 'filters'>

/** The number of jobs that go first, or at most; undefined for a change of all. */
function limitOf({ filters }: Pick<Changed, 'filters'>): number | undefined {
  if (typeof filters !== 'object' || filters === null || !('limit' in filters)) return undefined
  return typeof filters.limit === 'number' ? filters.limit : undefined
}

/**
 * Why jobs of the preview are unchanged: a change that stopped has not reached them, a change of some jobs first has left them for later, and
 * from any other change others have taken them: they have changed or held them.
 */
export function unchangedOf(record: Changed): { notReached: number; leftForLater: number; skipped: number } {
  const { state, error, previewed, affected } = record
  const none = { notReached: 0, leftForLater: 0, skipped: 0 }
  const jobs = Math.max(0, (previewed ?? 0) - affected)
  if (state === 'running') return none
  if (error !== null) return { ...none, notReached: jobs }
  return affected >= (limitOf(record) ?? Number.POSITIVE_INFINITY)
    ? { ...none, leftForLater: jobs }
    : { ...none, skipped: jobs }
}

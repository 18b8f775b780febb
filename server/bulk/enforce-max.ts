import { Failure } from '../../shared/errors.ts'
import { requireNoneElsewhere } from '../auth/require-scope.ts'
import type { BulkChange, Matching, Running } from './change/bulk-change.ts'
import { withHolds } from './change/with-holds.ts'
import { digits, matchText } from './limits/size.ts'
import { countElsewhere, countMatching } from './preview/count.ts'
import { countInSteps } from './preview/count-in-steps.ts'
import type { VerifiedPreview } from './token/preview-token.ts'

/**
 * A preview that did not count to the end bounds no change.
 * @throws Failure `preview_incomplete` for a change by such a preview that has no `max`, and is not made by a policy with its own limit
 */
export function requireMax(
  { max, oldestFirst }: Pick<BulkChange<unknown>, 'max' | 'oldestFirst'>,
  previewed: VerifiedPreview | undefined,
): void {
  if (previewed?.count !== null || max !== undefined || oldestFirst) return
  throw new Failure(
    'preview_incomplete',
    'the preview did not count all jobs that match, and a change by it needs max; nothing was changed',
    { hint: 'add max, the most jobs that may be changed, or narrow the filter and preview it again' },
  )
}

/**
 * Counts the set once where a preview has not counted it already; afterwards the set can only shrink. Jobs outside of the scope of the
 * caller, which would be changed along, count as well.
 * @returns how many jobs match; undefined where they were not counted here
 * @throws Failure `limit_exceeded`; `forbidden` where the caller may change no job outside; `shutting_down` where the caller or the
 *   server goes while the set is counted
 */
export async function enforceMax(
  context: Running,
  bulk: Matching & Pick<BulkChange<unknown>, 'max' | 'dependents'>,
  previewed: VerifiedPreview | undefined,
): Promise<number | undefined> {
  const { max } = bulk
  const elsewhere = await countElsewhere(context.sql, context, bulk)
  requireNoneElsewhere(context, elsewhere)
  if (max === undefined || (typeof previewed?.count === 'number' && previewed.count + elsewhere <= max))
    return undefined
  const isLarge = previewed?.count === null
  const matching = isLarge ? await countUpTo(max + 1, context, bulk) : await countMatching(context.sql, bulk, context)
  if (matching + elsewhere <= max) return matching
  const found = isLarge && matching > max ? `more than ${digits(max)} jobs match` : matchText(matching)
  throw new Failure('limit_exceeded', `${aboveMaxText(found, { elsewhere, max })}; nothing was changed`, {
    hint: 'narrow the scope, or raise the limit',
  })
}

/** `3 jobs match, and 2 outside would be changed along, above the limit of 4` */
export function aboveMaxText(found: string, { elsewhere, max }: { elsewhere: number; max: number }): string {
  const along = elsewhere === 0 ? '' : `, and ${digits(elsewhere)} outside would be changed along`
  return `${found}${along}, above the limit of ${digits(max)}`
}

/** Counts in steps, and tells the caller how far the count has come. */
async function countUpTo(most: number, context: Running, bulk: Matching): Promise<number> {
  const { sql, disconnected, stopping, reportProgress, operation: operation_id } = context
  const start = performance.now()
  const isOver = () => disconnected().aborted || stopping.aborted
  const goesOn = (counted: number) => {
    const elapsed_ms = Math.round(performance.now() - start)
    const progress = { operation_id, affected: 0, total: null, batches: 0, elapsed_ms }
    reportProgress({ ...progress, counted })
    return !isOver()
  }
  const count = await sql.begin('read only', async (tx) => {
    const matching = bulk.matching(tx, await withHolds(tx, bulk, context))
    return countInSteps(tx, matching, { goesOn, most })
  })
  if (!isOver()) return count
  throw new Failure('shutting_down', 'the count of the jobs was stopped; nothing was changed', { retryAfter: 5 })
}

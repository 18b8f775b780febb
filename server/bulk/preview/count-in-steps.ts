import type { Fragment, Sql } from '../../database/sql.ts'

interface Steps {
  /** Called with the count so far after each step; false ends the count there. */
  goesOn: (counted: number) => boolean
  /** The count ends when it has come so far. */
  most?: number
}

const firstStep = 1000
const largestStep = 1_000_000
/** A step that takes less than this, in milliseconds, is followed by a larger one. */
const shortStepMs = 500

/**
 * Counts rows with a cursor, so that a count that takes long can be told and ended. The rows stay in the database. Needs a transaction,
 * whose limits hold for each step.
 * @param source `from … where …`
 */
export async function countInSteps(
  tx: Sql,
  source: Fragment,
  { goesOn, most = Number.MAX_SAFE_INTEGER }: Steps,
): Promise<number> {
  await tx`declare counted no scroll cursor for select ${source}`
  let counted = 0
  for (let step = firstStep; ; ) {
    const rows = Math.min(step, most - counted)
    const start = performance.now()
    const { count } = await tx`move forward ${tx.unsafe(String(rows))} in counted`
    counted += count
    const isLast = count < rows || counted >= most
    if (!goesOn(counted) || isLast) return counted
    if (performance.now() - start < shortStepMs) step = Math.min(2 * step, largestStep)
  }
}

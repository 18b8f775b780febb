import { type Holds, noHolds, readHolds } from '../../database/read-holds.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { withinReadTime } from '../../database/timeouts.ts'
import type { JobSet, Matching, SetWithHolds } from './bulk-change.ts'

/** The set of a preview, which the statement itself decides. */
export const currentSet: JobSet = { asOf: undefined, snapshot: undefined }

/** The holds that a change passes over now. */
export const holdsOf = async (sql: Sql, { keptByHold }: Pick<Matching, 'keptByHold'>): Promise<Holds> =>
  keptByHold ? readHolds(sql) : noHolds

/** A set as the next statement takes it: with the holds that the change passes over now. By default the set of a preview. */
export const withHolds = async (
  sql: Sql,
  bulk: Pick<Matching, 'keptByHold'>,
  set: JobSet = currentSet,
): Promise<SetWithHolds> => ({ ...set, holds: await holdsOf(sql, bulk) })

/** In the answer of a change: how many further jobs match and stay, since a hold keeps them. The jobs are changed: an answer without it is better than none. */
export async function keptInAnswer(
  sql: Sql,
  keptByHold: (sql: Sql, set: SetWithHolds) => Fragment,
): Promise<{ kept_by_hold?: number }> {
  const count = async (tx: Sql): Promise<number> => {
    const set = await withHolds(tx, { keptByHold })
    const [{ kept }] = await tx<[{ kept: number }]>`select (${keptByHold(tx, set)}) as kept`
    return kept
  }
  const kept = await withinReadTime(sql, count).catch(() => undefined)
  return kept ? { kept_by_hold: kept } : {}
}

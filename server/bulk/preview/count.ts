import { isElsewhere, isWithin } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { BulkChange, JobSet, Matching, Origin, SetWithHolds } from '../change/bulk-change.ts'
import { withHolds } from '../change/with-holds.ts'

/** Counts the set. */
export async function countMatching(sql: Sql, bulk: Matching, set: JobSet): Promise<number> {
  const matching = bulk.matching(sql, await withHolds(sql, bulk, set))
  const [row] = await sql<[{ count: number }]>`select count(*) as count ${matching}`
  return row.count
}

type Depended = Pick<BulkChange<unknown>, 'dependents' | 'keptByHold'>

/** How many jobs outside of the scope of the caller the change would change along; 0 for a caller that is not limited. */
export async function countElsewhere(
  sql: Sql,
  { within, asOf, snapshot, excluded }: JobSet & Pick<Origin, 'within'>,
  bulk: Depended,
): Promise<number> {
  if (!within) return 0
  return countDependents(sql, bulk, { set: { asOf, snapshot, excluded }, only: isElsewhere(sql, within) })
}

interface Part {
  /** The set of a preview when absent. */
  set?: JobSet
  /** A condition on `jobs`: counts only those for which it is true. */
  only?: Fragment
}

/** How many jobs a change would change along, or a part of them. */
export async function countDependents(sql: Sql, bulk: Depended, { set, only }: Part = {}): Promise<number> {
  if (!bulk.dependents) return 0
  const query = bulk.dependents(sql, await withHolds(sql, bulk, set), only)
  const [{ count }] = await sql<[{ count: number }]>`select (${query})::bigint as count`
  return count
}

/**
 * The columns of a preview for what is changed along: `dependents`, and under a scope, which has its own ones there, `dependents_elsewhere`.
 */
export function dependentsColumns(
  sql: Sql,
  { dependents }: Depended,
  { set, within }: Pick<Origin, 'within'> & { set: SetWithHolds },
): Fragment {
  if (!within || !dependents) return sql`(${dependents?.(sql, set) ?? sql`select 0::bigint`}) as dependents`
  return sql`
    (${dependents(sql, set, sql`(true ${isWithin(sql, within)})`)}) as dependents,
    (${dependents(sql, set, isElsewhere(sql, within))}) as dependents_elsewhere`
}

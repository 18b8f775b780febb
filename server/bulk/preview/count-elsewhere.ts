import { isElsewhere, isWithin } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { BulkChange, DependentsPart, JobSet, Origin } from '../bulk-change.ts'

type Depended = Pick<BulkChange<unknown>, 'dependents'>

/** How many jobs outside of the scope of the caller the change would change along; 0 for a caller that is not limited. */
export async function countElsewhere(
  sql: Sql,
  { within, asOf, snapshot, excluded }: JobSet & Pick<Origin, 'within'>,
  bulk: Depended,
): Promise<number> {
  if (!within) return 0
  return countDependents(sql, bulk, { set: { asOf, snapshot, excluded }, only: isElsewhere(sql, within) })
}

/** How many jobs a change would change along, or a part of them. */
export async function countDependents(sql: Sql, { dependents }: Depended, part?: DependentsPart): Promise<number> {
  if (!dependents) return 0
  const [{ count }] = await sql<[{ count: number }]>`select (${dependents(sql, part)})::bigint as count`
  return count
}

/**
 * The columns of a preview for what is changed along: `dependents`, and under a scope, which has its own ones there, `dependents_elsewhere`.
 */
export function dependentsColumns(sql: Sql, { dependents }: Depended, within: Origin['within']): Fragment {
  if (!within || !dependents) return sql`(${dependents?.(sql) ?? sql`select 0::bigint`}) as dependents`
  const set: JobSet = { asOf: undefined, snapshot: undefined }
  return sql`
    (${dependents(sql, { set, only: sql`(true ${isWithin(sql, within)})` })}) as dependents,
    (${dependents(sql, { set, only: isElsewhere(sql, within) })}) as dependents_elsewhere`
}

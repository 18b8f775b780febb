import { isElsewhere, isWithin } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { BulkChange, JobSet, Origin } from '../bulk-change.ts'

type Depended = Pick<BulkChange<unknown>, 'dependents'>

/** How many jobs outside of the scope of the caller the change would change along; 0 for a caller that is not limited. */
export async function countElsewhere(
  sql: Sql,
  { within, asOf, snapshot, excluded }: JobSet & Pick<Origin, 'within'>,
  { dependents }: Depended,
): Promise<number> {
  if (!within || !dependents) return 0
  const part = { set: { asOf, snapshot, excluded }, only: isElsewhere(sql, within) }
  const [{ count }] = await sql<[{ count: number }]>`select count from (${dependents(sql, part)}) as elsewhere`
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

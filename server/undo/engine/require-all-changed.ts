import { rowsGivenBack, rowsKept } from '../../bulk/batches/kept-rows.ts'
import type { Sql } from '../../database/sql.ts'
import type { EngineTarget } from './target.ts'

/** How many jobs a statement has locked, and how many of them it has changed or deleted. */
interface Effect {
  picked: number
  affected: number
  /** How many of those still have their old values, such as by a trigger that returns `old`. A column of type `date` keeps no shorter time. */
  same?: number
}

/**
 * Checks that a statement has changed every job that it has locked.
 * @throws RowsKept where it has not
 */
export async function requireAllChanged(
  tx: Sql,
  { writes, found }: EngineTarget,
  verb: 'update' | 'delete',
  { picked, affected, same = 0 }: Effect,
): Promise<void> {
  const kept = picked - affected
  if (kept <= 0 && same === 0) return
  const table = writes.table(found)
  const named = { table, oid: tx`${table}::text::regclass::oid`, verb }
  const error = kept > 0 ? await rowsKept(tx, { ...named, kept }) : await rowsGivenBack(tx, { ...named, kept: same })
  if (error) throw error
}

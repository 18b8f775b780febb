import { rowsKept } from '../../bulk/batches/kept-rows.ts'
import type { Sql } from '../../database/sql.ts'
import type { EngineTarget } from './target.ts'

/** How many jobs a statement has locked, and how many of them it has changed or deleted. */
interface Effect {
  picked: number
  affected: number
}

/**
 * Checks that a statement has changed every job that it has locked.
 * @throws RowsKept where it has not
 */
export async function requireAllChanged(
  tx: Sql,
  { writes, found }: EngineTarget,
  verb: 'update' | 'delete',
  { picked, affected }: Effect,
): Promise<void> {
  if (affected >= picked) return
  const table = writes.table(found)
  throw await rowsKept(tx, { table, oid: tx`${table}::text::regclass::oid`, verb, kept: picked - affected })
}

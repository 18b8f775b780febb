import type { Sql } from '../../database/sql.ts'
import type { BulkChange, JobSet } from '../bulk-change.ts'

/** Counts the set. */
export async function countMatching(
  sql: Sql,
  bulk: Pick<BulkChange<unknown>, 'matching'>,
  set: JobSet,
): Promise<number> {
  const [row] = await sql<[{ count: number }]>`select count(*) as count ${bulk.matching(sql, set)}`
  return row.count
}

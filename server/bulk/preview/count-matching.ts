import type { Sql } from '../../database/sql.ts'
import type { JobSet, Matching } from '../bulk-change.ts'
import { withHolds } from '../with-holds.ts'

/** Counts the set. */
export async function countMatching(sql: Sql, bulk: Matching, set: JobSet): Promise<number> {
  const matching = bulk.matching(sql, await withHolds(sql, bulk, set))
  const [row] = await sql<[{ count: number }]>`select count(*) as count ${matching}`
  return row.count
}

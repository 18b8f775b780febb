import type { Sql } from 'postgres'
import { untilIndexed } from '../trust/fill.ts'

/** The domain that is pruned. */
export const filled = 'filled'

/** One in so many is young, and stays. */
const youngEach = 20

/** Fills the database with `rows` jobs that completed 40 days ago, and some that just did. Returns how many there are. */
export async function fill(sql: Sql, rows: number): Promise<number> {
  await untilIndexed(sql)
  const all = rows + Math.floor(rows / youngEach)
  await sql`
    insert into jobs (
      uuid, domain, queue, job_type, payload, status, created_at, started_at, acquired_at, completed_at, completion_token
    )
    select
      'filled-' || i, ${filled}, 'default', 'export', jsonb_build_object('text', repeat(md5(i::text), 4)), 'completed',
      ended, ended, ended, ended, 'token-' || i
    from generate_series(1, ${all}::int) as i
    cross join lateral (select now() - case when i > ${rows}::int then 0 else 40 end * interval '1 day' as ended) as made`
  await sql`analyze`
  return all
}

import type { Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'

/** After this time without a look nobody seems to look: pg-boss looks each minute, if it is not told otherwise. */
const longestSeconds = 300

/** The columns in which versions of pg-boss say when it has last looked after a queue, or after all of them. */
const looks = ['monitor_on', 'monitor_claim_on', 'maintain_on', 'monitored_on', 'maintained_on']

/** Says what becomes of jobs that have lost their worker: pg-boss runs them again itself, where one of its processes looks for them. */
export async function readSupervision(sql: Sql, { schema }: Pick<Found, 'schema'>): Promise<string> {
  const of = sql.unsafe(schema)
  const [{ last, seconds }] = await sql<[{ last: string | null; seconds: number | null }]>`
    select to_char(max(at) at time zone 'utc', 'YYYY-MM-DD HH24:MI') as last, extract(epoch from now() - max(at))::float8 as seconds
    from (
      select (look.value #>> '{}')::timestamptz as at
      from (select to_jsonb(q) as columns from ${of}.queue as q union all select to_jsonb(v) from ${of}.version as v) as kept
      cross join lateral jsonb_each(kept.columns) as look
      where look.key = any(${looks}::text[]) and look.value <> 'null'
    ) as seen`
  if (seconds !== null && seconds <= longestSeconds)
    return 'pg-boss runs these again or fails them by itself when it next looks, once a minute if not told otherwise'
  const since = last === null ? 'has not looked at its queues yet' : `last looked at its queues at ${last} UTC`
  return `no process seems to look after these, since pg-boss ${since}: start one with supervise: true, which runs them again or fails them`
}

import type { ArchivedTwins } from '../../../shared/changes/prune.ts'
import type { Fragment, Sql } from '../../database/sql.ts'

/** The most jobs that are named. */
const mostNamed = 20

/**
 * True where the archive has a unique index on `uuid`, as in the newer version of the other program. A job whose uuid is archived
 * already cannot be archived there, and would stop each prune of its scope.
 */
export async function refusesTwins(sql: Sql): Promise<boolean> {
  const [{ refuses }] = await sql<[{ refuses: boolean }]>`
    select exists (
      select from pg_index
      join pg_attribute on attrelid = indrelid and attnum = indkey[0]
      where indrelid = to_regclass('jobs_archive') and indisunique and indnkeyatts = 1 and attname = 'uuid'
    ) as refuses`
  return refuses
}

/** True for a row of `jobs` whose uuid is archived already. */
const hasTwin = (sql: Sql): Fragment => sql`
  exists (select from jobs_archive as twin where twin.uuid = jobs.uuid)`

/** `and …`, on `jobs`: the archive can take the job. Nothing where it takes every job. */
export const withoutTwins = (sql: Sql, refuses: boolean): Fragment => (refuses ? sql`and not ${hasTwin(sql)}` : sql``)

/**
 * A query of one value, `ArchivedTwins`: the jobs of a set that are left out since their uuid is archived already; null where there are none.
 * @param matching `from jobs where …`
 */
export const twinsIn = (sql: Sql, matching: Fragment): Fragment => sql`
  select case when count(*) > 0 then jsonb_build_object(
    'count', count(*), 'ids', (jsonb_agg(id order by id) filter (where nth <= ${sql.unsafe(String(mostNamed))}))
  ) end
  from (select id, row_number() over (order by id) as nth ${matching} and ${hasTwin(sql)}) as twins`

/** `twinsIn`, as a statement of its own. */
export async function readTwins(sql: Sql, matching: Fragment): Promise<ArchivedTwins | undefined> {
  const [row] = await sql<{ twins: ArchivedTwins | null }[]>`select (${twinsIn(sql, matching)}) as twins`
  return row?.twins ?? undefined
}

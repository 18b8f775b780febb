import type { Fragment, Sql } from '../database/sql.ts'
import { columnList } from './archive.ts'
import type { Counts } from './bulk.ts'
import { isAmong } from './one-of.ts'

/** What stands in the place of an archived row, called `jobs` here; null where nothing does. */
const taken = (sql: Sql): Fragment => sql`
  case
    when exists (select from jobs live where live.id = jobs.id offset 0) then 'its id is taken'
    when exists (select from jobs live where live.uuid = jobs.uuid offset 0) then 'its uuid is taken'
    when exists (
      select from jobs live
      where live.domain = jobs.domain and live.queue = jobs.queue and live.job_type = jobs.job_type
        and live.idempotency_key = jobs.idempotency_key
      offset 0
    ) then 'its idempotency key was used again'
  end`

/** True for an archived row, called `jobs` here, that can come back. */
export const isFree = (sql: Sql): Fragment => sql`(${taken(sql)}) is null`

/** Archived rows of an operation that cannot come back, as `(job_id, reason)`. */
export const whyNotFree = (sql: Sql, operation: number): Fragment => sql`
  select job_id, reason
  from (
    select jobs.id as job_id, ${taken(sql)} as reason from jobs_archive as jobs where operation_id = ${operation}::bigint
  ) as looked
  where reason is not null`

/** Moves archived rows of an operation back, with all that hung on them, in one statement. */
export async function giveBack(tx: Sql, operation: number, ids: readonly number[]): Promise<Counts> {
  const columns = await columnsToFill(tx, 'jobs', 'jobs_archive')
  const attachments = await columnsToFill(tx, 'job_attachments')
  const dependencies = await columnsToFill(tx, 'job_dependencies')
  const [keyed] =
    await tx`select from pg_constraint where conrelid = to_regclass('job_dependencies') and contype = 'f' limit 1`
  const [row] = await tx<[{ affected: number }]>`
    with picked as materialized (
      select jobs.*, jobs.ctid as place
      from jobs_archive as jobs
      where operation_id = ${operation}::bigint and ${isAmong(tx, ids, isFree(tx))}
      for update skip locked
    ),
    back as (
      insert into jobs (${columnList(tx, columns)}) overriding system value
      select ${columnList(tx, columns)} from picked
      on conflict do nothing
      returning id
    ),
    -- By a hash of the ids: the planner takes a batch for one row where the archive has grown since its statistics, and
    -- would compare each with each.
    returned as materialized (select * from picked where (id in (select id from back)) is true),
    taken_out as (
      delete from jobs_archive
      where ctid = any(array(select place from returned)) and (operation_id = ${operation}::bigint) is true
    ),
    attachments as (
      insert into job_attachments (${columnList(tx, attachments)}) overriding system value
      select ${columnList(tx, attachments, 'attached')}
      from returned
      cross join lateral jsonb_populate_recordset(null::job_attachments, returned.job_attachments) as attached
      on conflict do nothing
    ),
    dependencies as (
      insert into job_dependencies (${columnList(tx, dependencies)})
      select distinct on (edge.job_uuid, edge.depends_on_job_uuid) ${columnList(tx, dependencies, 'edge')}
      from returned
      cross join lateral jsonb_populate_recordset(null::job_dependencies, returned.job_dependencies) as edge
      ${keyed ? tx`where ${isNotAway(tx, operation, tx`edge.job_uuid`)} and ${isNotAway(tx, operation, tx`edge.depends_on_job_uuid`)}` : tx``}
      on conflict do nothing
    )
    select count(*) as affected from back`
  return row
}

/**
 * False for a job that this operation still has in the archive. Asked only where edges have foreign keys: those would
 * refuse the whole batch for an edge of which one end is not there yet.
 */
const isNotAway = (sql: Sql, operation: number, uuid: Fragment): Fragment => sql`(
  ${uuid} in (select uuid from returned)
  or (${uuid} in (select uuid from jobs_archive where operation_id = ${operation}::bigint)) is not true
)`

/** Of the columns of a table those that are stored, not made from others, and in `source`, too. */
async function columnsToFill(tx: Sql, table: string, source = table): Promise<string[]> {
  const rows = await tx<{ name: string }[]>`
    select own.attname as name
    from pg_attribute own
    join pg_attribute there
      on there.attrelid = to_regclass(${source}) and there.attname = own.attname and not there.attisdropped
    where own.attrelid = to_regclass(${table}) and own.attnum > 0 and not own.attisdropped and own.attgenerated = ''
    order by own.attnum`
  return rows.map(({ name }) => name)
}

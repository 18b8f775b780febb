import { Failure } from '../../shared/errors.ts'
import type { Fragment, Pool, Sql } from '../database/sql.ts'
import type { Running } from './bulk.ts'

/** The columns of `jobs`, by name: all of them, also those of other programs. */
export interface Archive {
  columns: string[]
}

/**
 * Makes sure that the archive has a place for every column of `jobs`: a row comes back as it was, or it does not go.
 * @throws Failure `conflict` when a column is missing there and cannot be added
 */
export async function archiveOf(sql: Pool): Promise<Archive> {
  const columns = await sql<{ name: string; type: string; kept: boolean }[]>`
    select
      attname as name, format_type(atttypid, atttypmod) as type,
      exists (
        select from pg_attribute there
        where there.attrelid = to_regclass('jobs_archive') and there.attname = own.attname and not there.attisdropped
      ) as kept
    from pg_attribute own
    where attrelid = to_regclass('jobs') and attnum > 0 and not attisdropped
    order by attnum`
  for (const { name, type, kept } of columns) if (!kept) await addColumn(sql, name, type)
  return { columns: columns.map(({ name }) => name) }
}

async function addColumn(sql: Pool, name: string, type: string): Promise<void> {
  await sql
    .begin(async (tx) => {
      await tx`set local lock_timeout = '1s'`
      await tx`alter table jobs_archive add column if not exists ${tx(name)} ${tx.unsafe(type)}`
    })
    .catch((cause: unknown) => {
      throw new Failure('conflict', `jobs_archive has no column ${name}, and it cannot be added; nothing was changed`, {
        hint: 'add it, or start the server with JOBS_ARCHIVE_BEFORE_DELETE=false: then a prune cannot be undone',
        cause,
      })
    })
}

/** `a, b, c`, each perhaps of a table. */
export const columnList = (sql: Sql, columns: readonly string[], table?: string): Fragment =>
  columns
    .map((name) => (table ? sql`${sql(table)}.${sql(name)}` : sql`${sql(name)}`))
    .reduce((list, column) => sql`${list}, ${column}`)

/** Moves the rows of `gone` there, with what hung on each: the CTEs of the statement that deletes them. */
export const archived = (sql: Sql, { columns }: Archive, { operation }: Running): Fragment => sql`
  insert into jobs_archive (${columnList(sql, columns)}, operation_id, archived_at, attachments, dependencies)
  select ${columnList(sql, columns, 'gone')}, ${operation}::bigint, now(), attached.list, edges.list
  from gone
  left join (
    select job_id, jsonb_agg(to_jsonb(attachments)) as list
    from attachments
    group by job_id
  ) as attached on attached.job_id = gone.id
  left join (
    select owner, jsonb_agg(edge) as list
    from (
      select job_uuid as owner, to_jsonb(dependencies) as edge from dependencies
      union all
      select depends_on_job_uuid, to_jsonb(dependents) from dependents
    ) as either
    group by owner
  ) as edges on edges.owner = gone.uuid`

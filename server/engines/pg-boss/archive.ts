import type { Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { columnsMissingIn, readColumns as readColumnsOf } from '../table-columns.ts'

/** The table of deleted jobs, in the schema of our tables. */
export const archiveTable = 'pgboss_archive'

/** The columns of the table of jobs, in their order. */
export const readColumns = (sql: Sql, schema: string) => readColumnsOf(sql, `${schema}.job`)

/** The statements that make the archive, and give it the columns that the engine has added since. */
export async function archiveStatements(sql: Sql, { schema }: Found, ours: string): Promise<string[]> {
  const table = `${ours}.${archiveTable}`
  const columns = (await readColumns(sql, schema)).map(({ name, type }) => `add column if not exists ${name} ${type}`)
  return [
    `create table if not exists ${table} (
  operation_id bigint not null,
  archived_at timestamptz not null default now(),
  job_schema text not null
)`,
    `alter table ${table}\n  ${columns.join(',\n  ')}`,
    `create index if not exists jobsctl_pgboss_archive_operation on ${table} (operation_id, name, id)`,
    `create index if not exists jobsctl_pgboss_archive_time on ${table} (archived_at)`,
    `create index if not exists jobsctl_pgboss_archive_ids on ${table} (id)`,
  ]
}

/** The names of columns of the engine's table that the archive lacks. */
export async function missingInArchive(sql: Sql, { schema }: Found): Promise<string[]> {
  const columns = await readColumns(sql, schema)
  return columnsMissingIn(
    sql,
    archiveTable,
    columns.map(({ name }) => name),
  )
}

import type { Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { columnsMissingIn, readColumns } from '../table-columns.ts'

/** The table of deleted jobs, in the schema of our tables. */
export const archiveTable = 'graphile_worker_archive'

/** The names of the queue and of the task of a job, which are in other tables of graphile-worker. */
const names = ['archived_queue', 'archived_task']

/** The columns of the table of jobs, in their order. */
export const readJobColumns = (sql: Sql, { schema }: Pick<Found, 'schema'>) =>
  readColumns(sql, `${schema}._private_jobs`)

/** The statements that make the archive, and give it the columns that the engine has added since. */
export async function archiveStatements(sql: Sql, found: Found, ours: string): Promise<string[]> {
  const table = `${ours}.${archiveTable}`
  const columns = await readJobColumns(sql, found)
  return [
    `create table if not exists ${table} (
  operation_id bigint not null,
  archived_at timestamptz not null default now(),
  job_schema text not null,
  ${names.map((name) => `${name} text not null`).join(',\n  ')}
)`,
    `alter table ${table}\n  ${columns.map(({ name, type }) => `add column if not exists ${name} ${type}`).join(',\n  ')}`,
    `create index if not exists jobsctl_graphile_worker_archive_operation on ${table} (operation_id, id)`,
    `create index if not exists jobsctl_graphile_worker_archive_time on ${table} (archived_at)`,
    `create index if not exists jobsctl_graphile_worker_archive_ids on ${table} (id)`,
  ]
}

/** The names of columns of the engine's table that the archive lacks. */
export async function missingInArchive(sql: Sql, found: Found): Promise<string[]> {
  const columns = await readJobColumns(sql, found)
  return columnsMissingIn(sql, archiveTable, [...columns.map(({ name }) => name), ...names])
}

/** The columns of the archive that a deleted job fills, and their values from its row. */
export const archivedColumns = async (sql: Sql, found: Found): Promise<{ name: string; value: string }[]> =>
  [...(await readJobColumns(sql, found)).map(({ name }) => name), ...names].map((name) => ({ name, value: name }))

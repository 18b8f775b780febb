import type { Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { archiveTableStatements, columnsMissingIn, readColumns } from '../parts/archive-table.ts'

/** The table of deleted jobs, in the schema of our tables. */
export const archiveTable = 'graphile_worker_archive'

/** The names of the queue and of the task of a job, which are in other tables of graphile-worker. */
const names = ['archived_queue', 'archived_task']

/** The columns of the table of jobs, in their order. */
export const readJobColumns = (sql: Sql, { schema }: Pick<Found, 'schema'>) =>
  readColumns(sql, `${schema}._private_jobs`)

/** The statements that make the archive, and give it the columns that the engine has added since. */
export const archiveStatements = async (sql: Sql, found: Found, ours: string): Promise<string[]> =>
  archiveTableStatements(ours, {
    name: archiveTable,
    further: names.map((name) => `${name} text not null`),
    columns: await readJobColumns(sql, found),
    inOperation: 'id',
    byId: 'id',
  })

/** The names of columns of the engine's table that the archive lacks. */
export async function missingInArchive(sql: Sql, found: Found): Promise<string[]> {
  const columns = await readJobColumns(sql, found)
  return columnsMissingIn(sql, archiveTable, [...columns.map(({ name }) => name), ...names])
}

/** The columns of the archive that a deleted job fills, and their values from its row. */
export const archivedColumns = async (sql: Sql, found: Found): Promise<{ name: string; value: string }[]> =>
  [...(await readJobColumns(sql, found)).map(({ name }) => name), ...names].map((name) => ({ name, value: name }))

import type { Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { archiveTableStatements, columnsMissingIn, readColumns as readColumnsOf } from '../parts/archive-table.ts'

/** The table of deleted jobs, in the schema of our tables. */
export const archiveTable = 'bullmq_archive'

/** What the archive has of the tables of logs and of flows, as lists of rows. */
export const along = { logs: 'jobsctl_logs', edges: 'jobsctl_edges' } as const

/** The columns of the table of jobs, in their order. */
export const readColumns = (sql: Sql, schema: string) => readColumnsOf(sql, `${schema}.job`)

const columnsOfArchive = async (sql: Sql, schema: string) => [
  ...(await readColumns(sql, schema)),
  ...Object.values(along).map((name) => ({ name, type: 'jsonb' })),
]

/** The statements that make the archive, and give it the columns that the engine has added since. */
export const archiveStatements = async (sql: Sql, { schema }: Found, ours: string): Promise<string[]> =>
  archiveTableStatements(ours, {
    name: archiveTable,
    columns: await columnsOfArchive(sql, schema),
    inOperation: 'queue, id',
    byId: 'queue, id',
  })

/** The names of columns that the archive lacks. */
export async function missingInArchive(sql: Sql, { schema }: Found): Promise<string[]> {
  const columns = await columnsOfArchive(sql, schema)
  return columnsMissingIn(
    sql,
    archiveTable,
    columns.map(({ name }) => name),
  )
}

import type { Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { archiveTableStatements, columnsMissingIn, readColumns as readColumnsOf } from '../parts/archive-table.ts'

/** The table of deleted jobs, in the schema of our tables. */
export const archiveTable = 'pgboss_archive'

/** The columns of the table of jobs, in their order. */
export const readColumns = (sql: Sql, schema: string) => readColumnsOf(sql, `${schema}.job`)

/** The statements that make the archive, and give it the columns that the engine has added since. */
export const archiveStatements = async (sql: Sql, { schema }: Found, ours: string): Promise<string[]> =>
  archiveTableStatements(ours, {
    name: archiveTable,
    columns: await readColumns(sql, schema),
    inOperation: 'name, id',
    byId: 'id',
  })

/** The names of columns of the engine's table that the archive lacks. */
export async function missingInArchive(sql: Sql, { schema }: Found): Promise<string[]> {
  const columns = await readColumns(sql, schema)
  return columnsMissingIn(
    sql,
    archiveTable,
    columns.map(({ name }) => name),
  )
}

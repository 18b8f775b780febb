import type { Fragment, Sql } from './sql.ts'

/** An SQL expression: the time of a column as the API has it, to the second. */
export const utcText = (sql: Sql, column: string): Fragment =>
  sql`to_char(${sql(column)} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`

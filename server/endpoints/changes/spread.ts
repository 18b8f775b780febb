import type { Fragment, Sql } from '../../database/sql.ts'

/** An SQL expression: a random time between `start` and `seconds` later; `start` itself without `seconds`. */
export const spreadFrom = (sql: Sql, start: Fragment, seconds: number | undefined): Fragment =>
  seconds === undefined ? start : sql`${start} + random() * ${seconds}::int * interval '1 second'`

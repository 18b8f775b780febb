import type { Fragment, Sql } from './sql.ts'

/** An SQL condition: true for a time that the API can show, of the years 1 to 9999. Somebody may write another by SQL, such as `infinity`. */
export const isShownTime = (sql: Sql, time: Fragment): Fragment => sql`
  (${time} >= '0001-01-01 00:00Z'::timestamptz and ${time} < '10000-01-01 00:00Z'::timestamptz)`

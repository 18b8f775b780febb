import type { Fragment, Sql } from '../database/sql.ts'

/**
 * True for rows of `jobs` whose id is among these. It says again what a join by id says: for a join alone the
 * planner may read the whole table, where it takes a table for small.
 */
export const isOneOf = (sql: Sql, ids: Fragment): Fragment => sql`jobs.id = any(array(${ids}))`

import type { Fragment, Sql } from './sql.ts'
import { staticFragment } from './static-fragment.ts'

const { MIN_SAFE_INTEGER: least, MAX_SAFE_INTEGER: most } = Number

/**
 * True for an id that JSON in JavaScript can name. A job with another would be handed out, or changed, under a wrong one.
 * Not as one range: without statistics the planner would take its rows for few, and look for them by their ids.
 */
export const hasSafeId = (sql: Sql): Fragment => sql.unsafe(`id <= ${most} and (id >= ${least}) is true`)

/**
 * True for rows of `jobs` whose id is among these. It says again what a join by id says: for a join alone the
 * planner may read the whole table, where it takes a table for small.
 */
export const hasIdAmong = (sql: Sql, ids: Fragment): Fragment => sql`jobs.id = any(array(${ids}))`

/**
 * One row, to be crossed with rows that are joined to `jobs` and of which the planner expects a single one, whatever
 * their number: it takes a function for a hundred rows, and so hashes them instead of comparing each with each.
 */
export const assumeManyRows = staticFragment((sql) => sql`jsonb_array_elements('[null]') as not_few`)

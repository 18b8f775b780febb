import { hasKeys } from './job-ids.ts'
import { type Fragment, type Sql, staticFragment } from './sql.ts'

const { MIN_SAFE_INTEGER: least, MAX_SAFE_INTEGER: most } = Number

/**
 * An SQL condition: true for an id that a JavaScript number holds exactly. A job with a larger id would be leased or
 * changed under a wrong id. A text has no such bound. It is not written as one range, because without statistics the planner would estimate few rows for a
 * range and would scan the index of ids.
 */
export const hasSafeId = staticFragment((sql) =>
  hasKeys(sql) ? sql`true` : sql.unsafe(`id <= ${most} and (id >= ${least}) is true`),
)

/**
 * An SQL condition on `jobs`: true when the id is a row of the query `ids`. It repeats a join by id, because with the join
 * alone the planner may scan the whole table when it estimates a small one.
 */
export const hasIdAmong = (sql: Sql, ids: Fragment): Fragment => sql`jobs.id = any(array(${ids}))`

/** A list for `select`: the columns of `jobs`, the version of the row, and its partition: the jobs of another engine have these as columns. */
export const wholeJob = staticFragment((sql) => (hasKeys(sql) ? sql`jobs.*` : sql`jobs.*, jobs.xmin, jobs.tableoid`))

/**
 * An SQL table expression named `jobs`: the job with a uuid, which is read by the index of uuids before anything else narrows it.
 * A plan for any parameters expects a single job of a domain, queue and job type, and would read all of them for each uuid.
 */
export const jobWithUuid = (sql: Sql, uuid: Fragment): Fragment => sql`
  (select ${wholeJob(sql)} from jobs where jobs.uuid = ${uuid} offset 0) as jobs`

/**
 * An SQL table expression of one row, for a cross join with rows that are joined to `jobs`. The planner expects a single
 * row of a CTE, whatever it holds, and chooses a nested loop. It expects a hundred rows of a function, and so a hash join.
 */
export const assumeManyRows = staticFragment((sql) => sql`jsonb_array_elements('[null]') as not_few`)

/**
 * An SQL expression: the planner reads an index that has the rows in their order for the rest of the transaction, where there is
 * one. Without statistics, as in an embedded database, it would estimate few rows, and sort the whole table for each slice. The indexes of
 * another engine have its jobs in no such order: without bitmaps the whole table would be read.
 */
export const preferIndexOrder = staticFragment((sql) => (hasKeys(sql) ? sql`null` : inIndexOrder(sql)))

/** The same for any jobs, where an index is known to have them in their order. */
export const inIndexOrder = staticFragment(
  (sql) => sql`
    set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)`,
)

/**
 * An SQL expression: each statement of the rest of the transaction is planned for its parameters. A plan for any parameters takes
 * a range of ids for a two-hundredth of the table, and would read a wide one by the index of ids, whatever else narrows it.
 */
export const planForParameters = staticFragment((sql) => sql`set_config('plan_cache_mode', 'force_custom_plan', true)`)

/**
 * An SQL expression: the statements of the rest of the transaction have 64 MB for each sort and each group at least. Many different texts
 * do not fit into the 4 MB that a session has by default.
 */
export const roomForSorting = staticFragment(
  (sql) => sql`
    set_config('work_mem', greatest(pg_size_bytes(current_setting('work_mem')), 64 * 1024 * 1024) / 1024 || 'kB', true)`,
)

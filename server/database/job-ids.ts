import type { JobId } from '../../shared/work/job-key.ts'
import { namesOf } from './connection/schema-names.ts'
import { type Fragment, type Sql, staticFragment } from './sql.ts'

/** True where the ids of jobs are the texts of keys, since another engine runs the jobs; false for numbers. */
export const hasKeys = (sql: Sql): boolean => namesOf(sql)?.jobId === 'text'

/** An item of an array as PostgreSQL reads it. */
const itemOf = (id: JobId): string => (typeof id === 'number' ? String(id) : `"${id.replaceAll(/["\\]/g, '\\$&')}"`)

/**
 * An SQL expression: ids of jobs as an array. They go as one text: for 50,000 ids that takes half of the time of a parameter that is an array.
 */
export const idArray = (sql: Sql, ids: readonly JobId[]): Fragment =>
  sql`${`{${ids.map(itemOf).join(',')}}`}::text::job_id[]`

/** An SQL condition on `jobs`: true for other jobs than these. PostgreSQL hashes the ids; it would compare each job with each item of an array. */
export const isNoneOf = (sql: Sql, ids: readonly JobId[]): Fragment =>
  sql`jobs.id not in (select unnest(${idArray(sql, ids)}))`

/** Where the conflicts of an operation begin: 0, which is below every id that a record has, and for keys the empty text. */
export const beforeIds = (sql: Sql): JobId => (hasKeys(sql) ? '' : 0)

/** An SQL expression: whole numbers of 32 bits, spread evenly over the ids. */
export const hashOfId = staticFragment((sql) => (hasKeys(sql) ? sql`hashtext(id)` : sql`hashint8(id)`))

/** An SQL condition on `jobs`: true for the job with this id, as `hasId`. */
export const isJob = (sql: Sql, id: JobId): Fragment =>
  namesOf(sql)?.jobs?.hasKey(sql, [String(id)]) ?? sql`jobs.id = ${id}::job_id`

/**
 * An SQL condition on `jobs`: true for a job with one of these ids. For jobs of another engine it compares what the engine finds its jobs by,
 * since no index has the text of a key.
 * @param ids numbers for jobs of our own; for jobs of another engine keys with a queue
 */
export const hasId = (sql: Sql, ids: readonly JobId[]): Fragment =>
  namesOf(sql)?.jobs?.hasKey(sql, ids.map(String)) ?? sql`jobs.id = any(${ids.map(String)}::text[]::job_id[])`

/**
 * The same for the row with an alias, and the key that an expression has, such as a column of another row.
 * @param row `jobs`, or the alias of a row of jobs or of their archive
 */
export function isJobOf(sql: Sql, key: string, row: string): Fragment {
  const near = namesOf(sql)?.jobs?.isNearKey?.(key, row)
  return sql.unsafe(`${near === undefined ? '' : `${near} and `}${row}.id = ${key}`)
}

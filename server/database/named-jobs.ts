import type { JobId } from '../../shared/work/job-key.ts'
import { namesOf } from './connection/schema-names.ts'
import type { Fragment, Sql } from './sql.ts'

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

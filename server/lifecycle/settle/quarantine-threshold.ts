import type { Fragment, Sql } from '../../database/sql.ts'

/**
 * An SQL expression: after how many failures in a row with one error code a job is quarantined. The threshold of the job goes before the
 * one of its queue, and that before the one of the server. Null where quarantine is off, which 0 says.
 * @param job the job's own threshold, null without one
 * @param place the name of a row with the `domain` and `queue` of the job
 * @param server `JOBS_QUARANTINE_THRESHOLD`
 */
export const quarantineThreshold = (
  sql: Sql,
  { job, place, server }: { job: Fragment; place: Fragment; server: number },
): Fragment => sql`
  nullif(coalesce(${job}, ${thresholdOfQueue(sql, place)}, ${server}::int), 0)`

/** An SQL expression: the threshold that is set for the queue of a row; null where none is. */
export const thresholdOfQueue = (sql: Sql, place: Fragment): Fragment => sql`
  (
    select of_queue.quarantine_threshold
    from jobsctl_queues as of_queue
    where of_queue.domain = ${place}.domain and of_queue.queue = ${place}.queue
  )`

/**
 * An SQL expression: the own threshold of a row of `jobs`, null without one. As JSON, since the column is missing where the role of the
 * server may not add it. It reads the whole row: the end of an attempt has `withoutPolicies` instead.
 */
export const thresholdOfJob = (sql: Sql): Fragment => sql`(to_jsonb(jobs) ->> 'quarantine_threshold')::int`

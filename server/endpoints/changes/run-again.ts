import type { Fragment, Sql } from '../../database/sql.ts'

interface RunAgain {
  spread_seconds?: number | undefined
  keep_retries?: boolean
}

/**
 * Assignments that make a job run as if it had not ended. They clear the traces of the end and of a cancel request, which would keep the
 * job from running, or its finish from being taken.
 */
export const runAgain = (sql: Sql, { spread_seconds, keep_retries = false }: RunAgain): Fragment => sql`
  status = 'queued', available_at = ${spreadFrom(sql, sql`now()`, spread_seconds)},
  ${keep_retries ? sql`` : sql`retry_count = 0, failure_streak_code = null, failure_streak_count = 0,`} quarantined_at = null,
  leased_until = null, lease_id = null, worker_id = null,
  completed_at = null, completion_token = null,
  cancel_requested_at = null, cancelled_at = null, cancellation_reason = null`

/** An SQL expression: a random time between `start` and `seconds` later; `start` itself without `seconds`. */
export const spreadFrom = (sql: Sql, start: Fragment, seconds: number | undefined): Fragment =>
  seconds === undefined ? start : sql`${start} + random() * ${seconds}::int * interval '1 second'`

import { assumeManyRows } from '../../database/planner-hints.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { quarantineThreshold } from './quarantine-threshold.ts'

/** The longest wait between two attempts, in seconds. */
const longestWait = 3600

/**
 * Needs the CTE `attempt` of `settle`. Defines `counted`, an attempt with `exhausted` (it has no retries left), `streak` (failures in a row
 * with one error code) and `wait` (seconds before another attempt, without jitter); and `decided`, which adds `outcome`, the next status
 * of the job, and `delay`, the wait in seconds with jitter. The threshold of the queue is read only for a failure with a code.
 * @param server the threshold of the server
 */
export const attemptOutcome = (sql: Sql, server: number): Fragment => sql`
  counted as (
    select
      attempt.*,
      coalesce(retry_count, 0) >= coalesce(max_retries, 3) as exhausted,
      case
        when error_code is null then 0
        when failure_streak_code = error_code then least(coalesce(failure_streak_count, 0), 1000000) + 1
        else 1
      end as streak,
      least(${longestWait}, coalesce(backoff_seconds, 1) * power(2, least(coalesce(retry_count, 0), 100))) as wait
    from attempt
  ),
  decided as materialized (
    select
      counted.*,
      case
        when action = 'complete' then 'completed'
        when action = 'cancel' then 'cancelled'
        when action = 'fail' and not retryable then 'failed'
        when action not in ('release', 'reclaim') and streak > 0 and streak >= ${ofAttempt(sql, server)} then 'quarantined'
        when action not in ('release', 'reclaim') and exhausted then 'failed'
        -- A job whose cancellation was requested does not start again.
        when cancel_requested_at is not null then 'cancelled'
        else 'queued'
      end as outcome,
      -- The jitter is added to the wait, so that jobs which failed together do not come back together.
      case action
        when 'fail' then least(${longestWait}, wait + random() * wait)
        when 'release' then coalesce(delay_seconds, 0)
        else 0
      end as delay
    from counted
    cross join ${assumeManyRows(sql)}
  )`

const ofAttempt = (sql: Sql, server: number): Fragment =>
  quarantineThreshold(sql, { job: sql`counted.quarantine_threshold`, place: sql`counted`, server })

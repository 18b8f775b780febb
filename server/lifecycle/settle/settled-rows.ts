import { hasIdAmong } from '../../database/planner-hints.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'

/** The most failures that a job keeps in `failure_timeline`. */
const timelineLength = 20

/**
 * Needs the CTE `decided` of `attemptOutcome`. Defines `settled`, which updates the jobs. It has the columns of a job that an event needs,
 * `uuid`, `status`, `retry_count`, `error_code`, `cancellation_reason`, `available_at` (null unless the job is queued), and `action,
 * finish, delay, lease_owner` of the attempt.
 */
export const settledRows = staticFragment(
  (sql) => sql`
  settled as (
    update jobs
    set ${statusAndTimes(sql)},
      ${failureColumns(sql)},
      completion_token = case decided.outcome when 'queued' then null else decided.completion_token end,
      leased_until = null,
      -- On an ended job the two name the worker that ran it; on another job they would look like a lease.
      lease_id = case when decided.outcome in ('queued', 'quarantined') then null else jobs.lease_id end,
      worker_id = case when decided.outcome in ('queued', 'quarantined') then null else jobs.worker_id end
    from decided
    where ${hasIdAmong(sql, sql`select id from decided`)} and jobs.id = decided.id
    returning jobs.id, jobs.uuid, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id,
      jobs.status, coalesce(jobs.retry_count, 0) as retry_count, jobs.error_code, jobs.cancellation_reason,
      case jobs.status when 'queued' then jobs.available_at end as available_at,
      decided.action, decided.finish, decided.delay, decided.lease_owner
  )`,
)

/**
 * Assignments of an update of `jobs` from `decided`: the status, the result, and the times. Another program may have made a
 * column of JSON as `json`.
 */
const statusAndTimes = (sql: Sql): Fragment => sql`
      status = decided.outcome,
      result = case decided.action when 'complete' then decided.result else jobs.result::jsonb end,
      completed_at = case when decided.outcome in ('completed', 'failed') then now() end,
      cancelled_at = case decided.outcome when 'cancelled' then now() else jobs.cancelled_at end,
      cancellation_reason = case decided.action when 'cancel' then decided.reason else jobs.cancellation_reason end,
      quarantined_at = case decided.outcome when 'quarantined' then now() end,
      available_at = case
        when decided.outcome = 'queued' and (decided.action in ('fail', 'expire') or decided.delay > 0)
          then now() + decided.delay * interval '1 second'
        else jobs.available_at
      end`

/** Assignments of an update of `jobs` from `decided`: retries, the streak, the error, and the timeline. */
function failureColumns(sql: Sql): Fragment {
  /** The attempt was no failure: what the job has of an earlier one stays. */
  const keepsFailure = sql`decided.action in ('release', 'reclaim', 'cancel')`
  return sql`
      retry_count = case
        when decided.action in ('fail', 'expire') and decided.outcome <> 'failed' and not decided.exhausted then coalesce(jobs.retry_count, 0) + 1
        else jobs.retry_count
      end,
      failure_streak_code = case
        when decided.action = 'complete' then null when ${keepsFailure} then jobs.failure_streak_code else decided.error_code
      end,
      failure_streak_count = case
        when decided.action = 'complete' then 0 when ${keepsFailure} then jobs.failure_streak_count else decided.streak
      end,
      error_message = case
        when decided.action = 'complete' then null
        -- The reason of an earlier failure says more than the disappearance of the worker.
        when ${keepsFailure} or decided.action = 'expire' and decided.outcome in ('queued', 'cancelled') then jobs.error_message
        else decided.error
      end,
      error_code = case when decided.action = 'complete' then null when ${keepsFailure} then jobs.error_code else decided.error_code end,
      error_class = case when decided.action = 'complete' then null when ${keepsFailure} then jobs.error_class else decided.error_class end,
      error_stack = case when decided.action = 'complete' then null when ${keepsFailure} then jobs.error_stack::jsonb else decided.error_stack end,
      last_error = case when decided.action in ('fail', 'expire') then decided.error else jobs.last_error end,
      failure_timeline = case
        when decided.action in ('fail', 'expire') then ${timelineWithFailure(sql)}
        else jobs.failure_timeline::jsonb
      end`
}

/** An expression over `jobs` and `decided`: the latest failures of the job, this one included, as jsonb. */
const timelineWithFailure = (sql: Sql): Fragment => sql`(
  select jsonb_agg(failure order by nth)
  from (
    select failure, nth
    from jsonb_array_elements(
      case jsonb_typeof(jobs.failure_timeline::jsonb) when 'array' then jobs.failure_timeline::jsonb else '[]' end
      || jsonb_build_object(
        'ts', to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'error_code', decided.error_code,
        'retry_backoff', case decided.outcome when 'queued' then round(decided.delay::numeric, 3) end
      )
    ) with ordinality as entry (failure, nth)
    order by nth desc
    limit ${sql.unsafe(String(timelineLength))}
  ) as latest
)`

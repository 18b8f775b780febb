import type { Call } from '../call.ts'
import { assumeManyRows, hasIdAmong } from '../database/planner-hints.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { staticFragment } from '../database/static-fragment.ts'
import { cascade, dependentsOf, droppedEvents } from './dependents.ts'
import { insertEvents, notifyQueues, wireTime } from './job-events.ts'

/** The most failures that a job remembers. */
const timelineLength = 20

/** A wait between two tries is never longer, in seconds. */
const longestWait = 3600

/** What a job is after its attempt has ended. */
export interface Settled {
  id: number
  status: string
  retry_count: number
  available_at: string | null
}

/**
 * Ends attempts, the same way for every caller: the statement settles the running jobs of `held`, which
 * selects and locks them, tells the steps, and cancels what depended on those that ended badly. Of `jobs`,
 * `held` has `id, retry_count, max_retries, failure_streak_code, failure_streak_count, cancel_requested_at`;
 * of its own `action` (complete, fail, release, or expire), `completion_token, finish, result, error,
 * error_code, error_class, error_stack, retryable, backoff_seconds`.
 */
export const settle = (sql: Sql, call: Pick<Call, 'requestId' | 'quarantineThreshold'>, held: Fragment) => sql<
  Settled[]
>`
  with recursive
  held as materialized (${held}),
  counted as (
    select
      held.*,
      coalesce(retry_count, 0) >= coalesce(max_retries, 3) as exhausted,
      case
        when error_code is null then 0
        when failure_streak_code = error_code then least(coalesce(failure_streak_count, 0), 1000000) + 1
        else 1
      end as streak,
      least(${longestWait}, coalesce(backoff_seconds, 1) * power(2, least(coalesce(retry_count, 0), 100))) as wait
    from held
  ),
  judged as materialized (
    select
      counted.*,
      case
        when action = 'complete' then 'completed'
        when action = 'fail' and not retryable then 'failed'
        when action <> 'release' and streak >= ${call.quarantineThreshold}::int then 'quarantined'
        when action <> 'release' and exhausted then 'failed'
        -- What somebody wants to end does not start again.
        when cancel_requested_at is not null then 'cancelled'
        else 'queued'
      end as outcome,
      -- The jitter comes on top, so that jobs which failed together do not come back together.
      case action when 'fail' then least(${longestWait}, wait + random() * wait) else 0 end as delay
    from counted
    cross join ${assumeManyRows(sql)}
  ),
  moved as (
    update jobs
    set
      status = judged.outcome,
      result = case judged.action when 'complete' then judged.result else jobs.result end,
      completed_at = case when judged.outcome in ('completed', 'failed') then now() end,
      cancelled_at = case judged.outcome when 'cancelled' then now() else jobs.cancelled_at end,
      quarantined_at = case judged.outcome when 'quarantined' then now() end,
      available_at = case
        when judged.outcome = 'queued' and judged.action in ('fail', 'expire') then now() + judged.delay * interval '1 second'
        else jobs.available_at
      end,
      retry_count = case
        when judged.action in ('fail', 'expire') and judged.outcome <> 'failed' and not judged.exhausted then coalesce(jobs.retry_count, 0) + 1
        else jobs.retry_count
      end,
      failure_streak_code = case judged.action
        when 'complete' then null when 'release' then jobs.failure_streak_code else judged.error_code
      end,
      failure_streak_count = case judged.action
        when 'complete' then 0 when 'release' then jobs.failure_streak_count else judged.streak
      end,
      error_message = case
        when judged.action = 'complete' then null
        -- Why a job failed before says more than that its worker is gone.
        when judged.action = 'release' or judged.action = 'expire' and judged.outcome in ('queued', 'cancelled') then jobs.error_message
        else judged.error
      end,
      error_code = case judged.action when 'complete' then null when 'release' then jobs.error_code else judged.error_code end,
      error_class = case judged.action when 'complete' then null when 'release' then jobs.error_class else judged.error_class end,
      error_stack = case judged.action when 'complete' then null when 'release' then jobs.error_stack else judged.error_stack end,
      last_error = case when judged.action in ('fail', 'expire') then judged.error else jobs.last_error end,
      failure_timeline = case
        when judged.action in ('fail', 'expire') then ${withFailure(sql)}
        else jobs.failure_timeline
      end,
      completion_token = case judged.outcome when 'queued' then null else judged.completion_token end,
      leased_until = null,
      -- On an ended job they tell who ran it; on others they would look like a lease.
      lease_id = case when judged.outcome in ('queued', 'quarantined') then null else jobs.lease_id end,
      worker_id = case when judged.outcome in ('queued', 'quarantined') then null else jobs.worker_id end
    from judged
    where ${hasIdAmong(sql, sql`select id from judged`)} and jobs.id = judged.id
    returning jobs.id, jobs.uuid, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id,
      jobs.status, coalesce(jobs.retry_count, 0) as retry_count, jobs.error_code, jobs.cancellation_reason,
      case jobs.status when 'queued' then jobs.available_at end as available_at,
      judged.action, judged.finish, judged.delay, judged.held_by
  ),
  ended as (select uuid, status from moved),
  ${cascade(sql)},
  told as (${insertEvents(sql, call, sql`${movedSteps(sql)} union all ${droppedEvents(sql)}`)}),
  rung as (${notifyQueues(sql, runnable(sql))})
  select id, status, retry_count, available_at
  from moved
  left join rung on true`

/** The failures that a job remembers, with this one. */
const withFailure = (sql: Sql): Fragment => sql`(
  select jsonb_agg(failure order by nth)
  from (
    select failure, nth
    from jsonb_array_elements(
      case jsonb_typeof(jobs.failure_timeline) when 'array' then jobs.failure_timeline else '[]' end
      || jsonb_build_object(
        'ts', to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'error_code', judged.error_code,
        'retry_backoff', case judged.outcome when 'queued' then round(judged.delay::numeric, 3) end
      )
    ) with ordinality as told (failure, nth)
    order by nth desc
    limit ${timelineLength}
  ) as latest
)`

const movedSteps = staticFragment(
  (sql) => sql`
  select
    id, domain, queue, job_type, owner_user_id, trace_id,
    case
      when status <> 'queued' then 'job.' || status
      when action = 'fail' then 'job.retry_scheduled'
      when action = 'release' then 'job.released'
      else 'job.lease_expired'
    end as event_type,
    jsonb_build_object(
      'worker_id', held_by,
      'retry_count', retry_count,
      'error_code', case when action in ('fail', 'expire') then error_code end,
      'backoff_seconds', case when action = 'fail' and status = 'queued' then round(delay::numeric, 3) end,
      'reason', case status when 'cancelled' then cancellation_reason end,
      'available_at', ${wireTime(sql, sql`available_at`)},
      'finish', finish
    ) as attrs
  from moved`,
)

/** Queues with a job that can run now, or sooner than those who wait have heard. */
const runnable = staticFragment(
  (sql) => sql`
  select domain, queue from moved where status = 'queued'
  union all
  select dependent.domain, dependent.queue
  from moved
  cross join ${dependentsOf(sql, sql`moved.uuid`)} as dependent
  where moved.status = 'completed'`,
)

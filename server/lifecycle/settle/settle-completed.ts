import { hasIdAmong } from '../../database/planner-hints.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import { queuesOfDependents } from '../dependents/dependents.ts'
import { attrsWithoutNulls, insertEventsOfCalls, notifyQueues } from '../events/job-events.ts'
import type { Settled } from './settle.ts'

/**
 * Completes jobs, as `settle` does where every action is `complete`. A completed attempt has one outcome, and cancels no dependents, so
 * that the statement has half of the parts: PostgreSQL starts each part at each call, also where it has no rows.
 *
 * `attempts` selects, of each job, its `id` and `worker_id`; of the end `completion_token, finish, result`; and of the call `request_id`.
 * @returns a query with one row for each completed job
 */
export const settleCompleted = (sql: Sql, attempts: Fragment) => sql<Settled[]>`
  with
  attempt as materialized (${attempts}),
  ${completedRows(sql)},
  inserted_events as (${insertEventsOfCalls(sql, completedEvents(sql))}),
  notified as (${notifyQueues(sql, queuesOfDependents(sql))})
  select id, status, retry_count, null::timestamptz as available_at
  from settled
  left join notified on true`

/** Needs the CTE `attempt`; defines `settled`, which sets what the update of `settledRows` sets for a completed attempt. */
const completedRows = staticFragment(
  (sql) => sql`
  settled as (
    update jobs
    set status = 'completed', result = attempt.result, completed_at = now(), quarantined_at = null,
      failure_streak_code = null, failure_streak_count = 0,
      error_message = null, error_code = null, error_class = null, error_stack = null,
      completion_token = attempt.completion_token, leased_until = null
    from attempt
    where ${hasIdAmong(sql, sql`select id from attempt`)} and jobs.id = attempt.id
    returning jobs.id, jobs.uuid, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id,
      jobs.status, coalesce(jobs.retry_count, 0) as retry_count, attempt.worker_id, attempt.finish, attempt.request_id
  )`,
)

/** One event for each row of the CTE `settled`, which it needs: the rows that `insertEventsOfCalls` takes. */
const completedEvents = staticFragment(
  (sql) => sql`
  select id, domain, queue, job_type, owner_user_id, trace_id, request_id, 'job.' || status as event_type,
    ${attrsWithoutNulls(
      sql,
      sql`finish`,
      sql`jsonb_build_object('worker_id', worker_id, 'retry_count', retry_count, 'finish', finish)`,
    )} as attrs
  from settled`,
)

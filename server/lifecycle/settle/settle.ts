import type { TokenScope } from '../../../shared/access/token-scope.ts'
import type { Requested, ServerContext } from '../../call.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import { cascade, cascadeOfFew, droppedEvents, elsewhereColumn, queuesOfDependents } from '../dependents/dependents.ts'
import { leftToBackground } from '../dependents/left-dependents.ts'
import { insertEvents, notifyQueues, wireTime } from '../events/job-events.ts'
import { attemptOutcome } from './attempt-outcome.ts'
import { settledRows } from './settled-rows.ts'

/** A job after its attempt has ended. */
export interface Settled {
  id: number
  status: string
  retry_count: number
  /** When a job that is queued again is due (ISO 8601, UTC); null for other states. */
  available_at: string | null
  /** Where an operator ends attempts: how many dependents the statement has cancelled, and how many of them outside of a scope. */
  dependents?: number
  dependents_elsewhere?: number
}

/**
 * Ends attempts by one set of rules for every caller. The statement settles the jobs that `attempts` selects and locks, inserts their
 * events, cancels the dependents of jobs that ended badly, and notifies the queues that have work now.
 *
 * `attempts` selects, of each job, `id, retry_count, max_retries, failure_streak_code, failure_streak_count,
 * cancel_requested_at, domain, queue, quarantine_threshold` (null for the one of its queue) and its `lease_owner` (the worker_id); and of the end `action` (complete, fail, release, cancel, expire or reclaim),
 * `completion_token, finish, result, error, error_code, error_class, error_stack, retryable, backoff_seconds`, `delay_seconds` of a release and
 * `reason` of a cancel.
 * Up to 1,000 dependents are cancelled, and more are left to the background. A change of an operator, which has counted them before,
 * cancels and counts all of them.
 * @param operator set for such a change
 * @returns a query with one row for each settled job
 */
export const settle = (
  sql: Sql,
  { requestId, quarantineThreshold }: Pick<Requested, 'requestId'> & Pick<ServerContext, 'quarantineThreshold'>,
  attempts: Fragment,
  operator?: { within: TokenScope | undefined },
) => sql<Settled[]>`
  with recursive
  attempt as materialized (${attempts}),
  ${attemptOutcome(sql, quarantineThreshold)},
  ${settledRows(sql)},
  ended as (select uuid, status from settled),
  ${operator ? cascade(sql) : cascadeOfFew(sql)},
  ${operator ? sql`` : sql`${leftToBackground(sql, { requestId })},`}
  inserted_events as (${insertEvents(sql, { requestId }, sql`${settledEvents(sql)} union all ${droppedEvents(sql)}`)}),
  notified as (${notifyQueues(sql, runnableQueues(sql))})
  select id, status, retry_count, available_at ${operator ? sql`, (select count(*) from dropped) as dependents` : sql``}
    ${elsewhereColumn(sql, 'dropped', operator?.within)}
  from settled
  left join notified on true`

/** One event for each row of the CTE `settled`, which it needs: the rows that `insertEvents` takes. */
const settledEvents = staticFragment(
  (sql) => sql`
  select
    id, domain, queue, job_type, owner_user_id, trace_id,
    case
      when status <> 'queued' then 'job.' || status
      when action = 'fail' then 'job.retry_scheduled'
      when action = 'release' then 'job.released'
      when action = 'reclaim' then 'job.reclaimed'
      else 'job.lease_expired'
    end as event_type,
    jsonb_build_object(
      'worker_id', lease_owner,
      'retry_count', retry_count,
      'error_code', case when action in ('fail', 'expire') then error_code end,
      'backoff_seconds', case when action = 'fail' and status = 'queued' then round(delay::numeric, 3) end,
      'reason', case status when 'cancelled' then cancellation_reason end,
      'available_at', ${wireTime(sql, sql`available_at`)},
      'finish', finish
    ) as attrs
  from settled`,
)

/** The queues, as `(domain, queue)`, in which a job can run now or earlier than waiting calls know. Needs the CTE `settled`. */
const runnableQueues = staticFragment(
  (sql) => sql`
  select domain, queue from settled where status = 'queued'
  union all ${queuesOfDependents(sql)}
  where settled.status = 'completed'`,
)

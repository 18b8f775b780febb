import type { Acting, Reading, Requested } from '../../call.ts'
import { assumeManyRows } from '../../database/planner-hints.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import { withoutPolicies } from '../job-policies.ts'
import { isLeaseOwner, lockedJob } from '../lease-owner.ts'
import type { KeyedFinish } from './finish-replay.ts'

/** Selects the attempts that `settle` takes: the jobs that are still leased as the items say. */
export const attemptsOf = ({ sql, within }: Reading, items: readonly KeyedFinish[]) => sql`
  select
    job.id, job.retry_count, job.max_retries, job.failure_streak_code, job.failure_streak_count, job.cancel_requested_at,
    job.domain, job.queue, job.quarantine_threshold, job.worker_id as lease_owner, request.action, request.completion_token, request.finish, request.result, request.error,
    request.error_code, request.error_class, request.error_stack, request.retryable, request.backoff_seconds, request.delay_seconds,
    request.reason
  from ${inOrder(sql, items, columns(sql))}
  cross join ${withoutPolicies(sql)}
  cross join lateral (${lockedJob(sql, sql`request.id`, within, sql`, domain, queue, quarantine_threshold`)}) as job
  where ${isLeaseOwner(sql)}`

/** Selects the attempts that `settleCompleted` takes: the same, of items of one call that all complete their job. */
export const completionsOf = (
  { sql, within, requestId }: Reading & Pick<Requested, 'requestId'>,
  items: readonly KeyedFinish[],
) =>
  completions(sql, {
    request: inOrder(sql, items, completionColumns(sql)),
    requestId: sql`${requestId}::text as request_id`,
    job: lockedJob(sql, sql`request.id`, within),
  })

/** The completion of a job by one of several calls. */
export type CallsCompletion = KeyedFinish & { request_id: string }

/** As `completionsOf`, of items of several calls with one scope, and without the jobs whose rows another transaction has locked. */
export const unlockedCompletionsOf = (
  { sql, within }: { sql: Sql; within: Acting['within'] },
  items: readonly CallsCompletion[],
) =>
  completions(sql, {
    request: inOrder(sql, items, callsCompletionColumns(sql)),
    requestId: sql`request.request_id`,
    job: sql`${lockedJob(sql, sql`request.id`, within)} skip locked`,
  })

const completions = (sql: Sql, { request, requestId, job }: Record<'request' | 'requestId' | 'job', Fragment>) => sql`
  select job.id, request.worker_id, request.completion_token, request.finish, request.result, ${requestId}
  from ${request}
  cross join lateral (${job}) as job
  cross join ${assumeManyRows(sql)}
  where ${isLeaseOwner(sql)}`

/** The items as `request`, with the columns that are named, in the order of their ids: two calls that lock their jobs cannot deadlock. */
const inOrder = (sql: Sql, items: readonly KeyedFinish[], named: Fragment) => sql`
  (
    select * from jsonb_to_recordset(${JSON.stringify(items)}::text::jsonb) as item (${named}) order by id
  ) as request`

const columns = staticFragment(
  (sql) => sql`
  id bigint, action text, worker_id text, lease_id text, completion_token text, finish text, result jsonb, error text,
  error_code text, error_class text, error_stack jsonb, retryable boolean, backoff_seconds float8,
  delay_seconds float8, reason text`,
)

const completionColumns = staticFragment(
  (sql) => sql`id bigint, worker_id text, lease_id text, completion_token text, finish text, result jsonb`,
)

const callsCompletionColumns = staticFragment((sql) => sql`${completionColumns(sql)}, request_id text`)

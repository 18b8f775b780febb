import type { RequeueRequest } from '../../shared/requeue.ts'
import type { Sql } from '../database/sql.ts'
import { type Call, referenceTimeText } from './call.ts'
import { change } from './change.ts'
import { inScope } from './scope.ts'
import { ring, tellSteps } from './steps.ts'

/** The only definition of requeueable, for the preview and the change. */
const requeueable = (sql: Sql, request: RequeueRequest) => sql`
  status = 'quarantined'
  ${inScope(sql, request)}
  ${request.job_id === undefined ? sql`` : sql`and id = ${request.job_id}::bigint`}`

/** Puts quarantined jobs back in the queue, as if they had never been tried: all of them, or none. */
export async function requeue(call: Call, request: RequeueRequest): Promise<{ affected: number }> {
  if (request.dry_run) {
    const { affected, as_of } = await count(call.sql, call, request)
    call.previewed(as_of)
    return { affected }
  }
  return change(call, {
    event: 'jobs.requeued',
    name: 'requeue',
    filters: request,
    count: async (tx) => (await count(tx, call, request)).affected,
    apply: (tx) => putBack(tx, call, request),
    touched: ({ affected }) => affected,
  })
}

async function count(sql: Sql, call: Call, request: RequeueRequest) {
  const [row] = await sql<[{ affected: number; as_of: string }]>`
    select count(*) as affected, ${referenceTimeText(sql, call)} as as_of
    from jobs
    where ${requeueable(sql, request)}`
  return row
}

/** An earlier end, or a wish for one, would keep the job from running or from finishing; it goes. */
async function putBack(tx: Sql, call: Call, request: RequeueRequest): Promise<{ affected: number }> {
  const [row] = await tx<[{ affected: number }]>`
    with moved as (
      update jobs
      set status = 'queued', available_at = now(), retry_count = 0,
          failure_streak_code = null, failure_streak_count = 0, quarantined_at = null,
          leased_until = null, lease_id = null, worker_id = null,
          completed_at = null, completion_token = null,
          cancel_requested_at = null, cancelled_at = null, cancellation_reason = null
      where ${requeueable(tx, request)}
      returning id, domain, queue, job_type, owner_user_id, trace_id
    ),
    told as (${tellSteps(tx, call, tx`select *, 'job.requeued' as event_type, '{}'::jsonb as attrs from moved`)}),
    rung as (${ring(tx, tx`select domain, queue from moved`)})
    select count(moved.id) as affected
    from moved
    left join rung on true`
  return row
}

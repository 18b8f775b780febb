import type { z } from 'zod'
import { Failure } from '../../../shared/errors.ts'
import type { cancel as operation } from '../../../shared/work/cancel.ts'
import type { Call } from '../../call.ts'
import { retryDeadlock } from '../../database/retry-deadlock.ts'
import type { Sql } from '../../database/sql.ts'
import { cascade, droppedEvents } from '../../lifecycle/dependents.ts'
import { insertEvents } from '../../lifecycle/job-events.ts'

/**
 * Ends a queued job, asks a running one to end, or ends that, too. What is cancelled already stays so.
 * @throws Failure `not_found`, or `conflict` for a job that has ended otherwise
 */
export async function cancelJob(
  call: Call,
  { id, reason, force }: z.output<typeof operation.input>,
): Promise<z.output<typeof operation.output>> {
  const [job] = await retryDeadlock(() => end(call, { id, reason: reason ?? call.reason, force }))
  if (!job) throw new Failure('not_found', `there is no job ${id}`)
  const { before, after, asked } = job
  call.reportChangedRows(after === null ? 0 : 1)
  const status = after ?? before
  if (status === 'cancelled' || status === 'processing') return { id, status, cancel_requested: asked }
  throw new Failure('conflict', `job ${id} is ${before} already; nothing was changed`, {
    hint: before === 'quarantined' ? 'it does not run unless it is requeued' : undefined,
  })
}

interface Cancelling {
  id: number
  reason: string | undefined
  force: boolean
}

interface Row {
  before: string
  /** Null when nothing was changed. */
  after: string | null
  asked: boolean
}

const end = (call: Call, { id, reason, force }: Cancelling) => {
  const { sql } = call
  return sql<Row[]>`
    with recursive
    target as materialized (
      select id, status, cancel_requested_at from jobs where id = ${id}::bigint for update
    ),
    moved as (
      update jobs
      set status = case when target.status = 'queued' or ${force}::bool then 'cancelled' else jobs.status end,
          cancelled_at = case when target.status = 'queued' or ${force}::bool then now() else jobs.cancelled_at end,
          cancel_requested_at = case
            when target.status = 'processing' then coalesce(jobs.cancel_requested_at, now()) else jobs.cancel_requested_at
          end,
          cancellation_reason = coalesce(${reason ?? null}::text, jobs.cancellation_reason),
          completed_at = null,
          leased_until = case when target.status = 'queued' or ${force}::bool then null else jobs.leased_until end
      from target
      where jobs.id = target.id
        and (
          target.status = 'queued'
          or target.status = 'processing' and (${force}::bool or target.cancel_requested_at is null)
        )
      returning jobs.id, jobs.uuid, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id, jobs.status,
        jobs.cancellation_reason
    ),
    ended as (select uuid, status from moved where status = 'cancelled'),
    ${cascade(sql)},
    told as (${insertEvents(sql, call, sql`${movedSteps(sql, call)} union all ${droppedEvents(sql)}`)})
    select
      target.status as before, moved.status as after,
      coalesce(moved.status, target.status) = 'processing'
        and (moved.status is not null or target.cancel_requested_at is not null) as asked
    from target
    left join moved on true`
}

const movedSteps = (sql: Sql, { caller }: Call) => sql`
  select
    id, domain, queue, job_type, owner_user_id, trace_id,
    case status when 'cancelled' then 'job.cancelled' else 'job.cancel_requested' end as event_type,
    jsonb_build_object('reason', cancellation_reason, 'caller', ${caller}::text, 'terminal', status = 'cancelled') as attrs
  from moved`

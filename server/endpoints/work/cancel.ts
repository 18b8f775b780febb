import type { z } from 'zod'
import { Failure } from '../../../shared/errors.ts'
import type { cancel as endpoint } from '../../../shared/work/cancel.ts'
import { requireNoneElsewhere } from '../../auth/require-scope.ts'
import type { Call } from '../../call.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import { unlessFrozen } from '../../database/installation/freeze.ts'
import { isWithin } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { cascade, droppedEvents, elsewhereColumn } from '../../lifecycle/dependents.ts'
import { insertEvents } from '../../lifecycle/events/job-events.ts'

/**
 * Cancels a queued job; asks the worker of a running job to end it, or with `force` cancels that job, too. A job that is
 * cancelled already stays as it is.
 * @throws Failure `not_found`, also for a job outside of the scope of the caller; `conflict` for a job that has ended otherwise;
 * `forbidden` where jobs outside of that scope depend on the job
 */
export async function cancelJob(
  call: Call,
  { id, reason, force }: z.output<typeof endpoint.input>,
): Promise<z.output<typeof endpoint.output>> {
  const [job] = await retryDeadlock(() =>
    unlessFrozen(call.sql, async (sql) => {
      const rows = await endOrAsk({ ...call, sql }, { id, reason: reason ?? call.reason, force })
      // Rolls the cancellation back.
      requireNoneElsewhere(call, rows[0]?.dependents_elsewhere ?? 0)
      return rows
    }),
  )
  if (!job) throw new Failure('not_found', `there is no job ${id}`)
  const { before, after, cancel_requested } = job
  call.reportChangedRows(after === null ? 0 : 1)
  const status = after ?? before
  if (status === 'cancelled' || status === 'processing') return { id, status, cancel_requested }
  throw new Failure('conflict', `job ${id} is ${before} already; nothing was changed`, {
    hint: before === 'quarantined' ? 'it does not run unless it is requeued' : undefined,
  })
}

interface Cancellation {
  id: number
  reason: string | undefined
  force: boolean
}

interface Row {
  before: string
  /** Null when nothing was changed. */
  after: string | null
  cancel_requested: boolean
  /** Of a caller that may not end jobs outside of its scope: how many it would end there. */
  dependents_elsewhere?: number
}

const endOrAsk = (
  { sql, requestId, caller, within }: Pick<Call, 'requestId' | 'caller' | 'within'> & { sql: Sql },
  cancellation: Cancellation,
) => sql<Row[]>`
  with recursive
  target as materialized (
    select id, status, cancel_requested_at from jobs where id = ${cancellation.id}::bigint ${isWithin(sql, within)} for update
  ),
  ${changed(sql, cancellation)},
  ended as (select uuid, status from changed where status = 'cancelled'),
  ${cascade(sql)},
  inserted_events as (${insertEvents(sql, { requestId }, sql`${changedEvents(sql, caller)} union all ${droppedEvents(sql)}`)})
  select
    target.status as before, changed.status as after,
    coalesce(changed.status, target.status) = 'processing'
      and (changed.status is not null or target.cancel_requested_at is not null) as cancel_requested
    ${elsewhereColumn(sql, 'dropped', within)}
  from target
  left join changed on true`

/** Needs the CTE `target (id, status, cancel_requested_at)`; defines `changed`, which cancels the job or asks for its end. */
const changed = (sql: Sql, { reason, force }: Cancellation): Fragment => sql`
  changed as (
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
  )`

/** The event of the CTE `changed`, which it needs. */
const changedEvents = (sql: Sql, caller: string): Fragment => sql`
  select
    id, domain, queue, job_type, owner_user_id, trace_id,
    case status when 'cancelled' then 'job.cancelled' else 'job.cancel_requested' end as event_type,
    jsonb_build_object('reason', cancellation_reason, 'caller', ${caller}::text, 'terminal', status = 'cancelled') as attrs
  from changed`

import type { Fragment, Sql } from '../../database/sql.ts'

/** How a job is to be cancelled. */
export interface Cancellation {
  id: number
  reason: string | undefined
  force: boolean
}

interface Changing {
  /** A further condition on `target`. */
  where?: Fragment
  /** An expression over the updated row of `jobs`, as the column `after`. */
  image?: Fragment
}

/** Needs the CTE `target (id, status, cancel_requested_at)`; defines `changed`, which cancels the job or asks for its end. */
export const changed = (
  sql: Sql,
  { reason, force }: Cancellation,
  { where = sql`true`, image = sql`null::jsonb` }: Changing = {},
): Fragment => sql`
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
      and ${where}
      and (
        target.status = 'queued'
        or target.status = 'processing' and (${force}::bool or target.cancel_requested_at is null)
      )
    returning jobs.id, jobs.uuid, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id, jobs.status,
      jobs.cancellation_reason, ${image} as after
  )`

/** The event of the CTE `changed`, which it needs. */
export const changedEvents = (sql: Sql, caller: string): Fragment => sql`
  select
    id, domain, queue, job_type, owner_user_id, trace_id,
    case status when 'cancelled' then 'job.cancelled' else 'job.cancel_requested' end as event_type,
    jsonb_build_object('reason', cancellation_reason, 'caller', ${caller}::text, 'terminal', status = 'cancelled') as attrs
  from changed`

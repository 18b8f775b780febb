import type { z } from 'zod'
import type { Renewed, RenewItem, RenewResult, renew, renewMany } from '../../../shared/work/renew.ts'
import type { Call } from '../../call.ts'
import { assumeManyRows, hasIdAmong } from '../../database/planner-hints.ts'
import { retryDeadlock } from '../../database/retry-deadlock.ts'
import { isLeaseOwner, leaseLost, lockedJob, singleResult } from '../../lifecycle/lease-owner.ts'
import { fieldOf, leaseLength, leaseLengthFaults, rejectFaults } from '../../lifecycle/server-limits.ts'

/** @throws Failure `lease_lost` or `not_found` when the job is not the caller's to renew */
export const renewJob = async (call: Call, request: z.output<typeof renew.input>): Promise<Renewed> =>
  singleResult(await renewAll(call, [request], () => undefined))

/** Renews leases, each on its own. */
export const renewJobs = async (
  call: Call,
  { jobs }: z.output<typeof renewMany.input>,
): Promise<{ results: RenewResult[] }> => ({ results: await renewAll(call, jobs, (at) => at) })

async function renewAll(
  call: Call,
  items: readonly RenewItem[],
  place: (at: number) => number | undefined,
): Promise<RenewResult[]> {
  rejectFaults(
    items.flatMap((item, at) => leaseLengthFaults(call, item.lease_seconds, fieldOf('lease_seconds', place(at)))),
  )
  const lengthened = items.map((item) => ({ ...item, lease_seconds: leaseLength(call, item.lease_seconds) }))
  const rows = await retryDeadlock(() => extend(call, lengthened))
  const told = new Map(rows.map((row) => [row.id, row]))
  return items.map(({ id }): RenewResult => {
    const row = told.get(id)
    if (!row) return { ok: false, id, code: 'not_found', detail: `there is no job ${id}` }
    const { leased_until, cancel_requested } = row
    return leased_until === null ? leaseLost(id) : { ok: true, id, leased_until, cancel_requested }
  })
}

interface Row {
  id: number
  /** Null when the lease was lost. */
  leased_until: string | null
  cancel_requested: boolean
}

/** A lease is never made shorter. What tells no event touches no other table either. */
const extend = ({ sql }: Call, items: readonly RenewItem[]) => sql<Row[]>`
  with asked as materialized (
    select *
    from jsonb_to_recordset(${JSON.stringify(items)}::text::jsonb) as item (
      id bigint, worker_id text, lease_id text, lease_seconds int, progress_percent real, progress_message text
    )
    order by id
  ),
  held as materialized (
    select job.id, asked.lease_seconds, asked.progress_percent, asked.progress_message
    from asked
    cross join lateral (${lockedJob(sql, sql`asked.id`)}) as job
    cross join ${assumeManyRows(sql)}
    where ${isLeaseOwner(sql)}
  ),
  renewed as (
    update jobs
    set leased_until = greatest(leased_until, now() + held.lease_seconds * interval '1 second'),
        progress_percent = coalesce(held.progress_percent, jobs.progress_percent),
        progress_message = coalesce(held.progress_message, jobs.progress_message)
    from held
    where ${hasIdAmong(sql, sql`select id from held`)} and jobs.id = held.id
    returning jobs.id, jobs.leased_until, jobs.cancel_requested_at is not null as cancel_requested
  )
  select asked.id, renewed.leased_until, coalesce(renewed.cancel_requested, false) as cancel_requested
  from asked
  cross join lateral (select from jobs where jobs.id = asked.id offset 0) as known
  left join renewed on renewed.id = asked.id`

import type { Renewed, RenewItem, RenewResult } from '../../../shared/work/renew.ts'
import type { Call, Reading } from '../../call.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import { assumeManyRows, hasIdAmong } from '../../database/planner-hints.ts'
import { isWithin } from '../../database/scope.ts'
import { isLeaseOwner, leaseLost, lockedJob, mayFinish, singleResult } from '../../lifecycle/lease-owner.ts'
import { fieldOf, leaseLength, leaseLengthFaults, rejectFaults } from '../../lifecycle/server-limits.ts'
import type { InputOf, OwnInputOf } from '../handlers.ts'
import { namingEachJob } from '../known-ids.ts'

type RenewCall = Reading & Pick<Call, 'leaseMaxSeconds' | 'leaseOwner'>

/** @throws Failure `lease_lost`, `not_found`, or `invalid_request` for a lease that is longer than this server allows */
export const renewJob = async (call: RenewCall, request: OwnInputOf<'renew'>): Promise<Renewed> =>
  singleResult(await renewAll(call, [request], () => undefined))

/** @param indexOf the index of an item in the request; undefined for a request about one job */
async function renewAll(
  call: RenewCall,
  items: readonly RenewItem[],
  indexOf: (at: number) => number | undefined,
): Promise<RenewResult[]> {
  rejectFaults(
    items.flatMap((item, at) => leaseLengthFaults(call, item.lease_seconds, fieldOf('lease_seconds', indexOf(at)))),
  )
  const own = items.filter(({ lease_id }) => mayFinish(call.leaseOwner, lease_id))
  const requests = own.map((item) => ({ ...item, lease_seconds: leaseLength(call, item.lease_seconds) }))
  const rows = new Map((await retryDeadlock(() => extendLeases(call, requests))).map((row) => [row.id, row]))
  return items.map((item): RenewResult => {
    const { id } = item
    if (!own.includes(item)) return leaseLost(id)
    const row = rows.get(id)
    if (!row) return { ok: false, id, code: 'not_found', detail: `there is no job ${id}` }
    const { leased_until, cancel_requested } = row
    return leased_until === null ? leaseLost(id) : { ok: true, id, leased_until, cancel_requested }
  })
}

/**
 * Renews leases, each on its own.
 * @returns the results in the order of the request
 */
export const renewJobs = namingEachJob<RenewCall, InputOf<'renewMany'>['jobs'][number], RenewResult>(renewAll)

interface Row {
  id: number
  /** Null when the lease was lost. */
  leased_until: string | null
  cancel_requested: boolean
}

/** Never makes a lease shorter. Writes no event, so it touches only `jobs`. One row for each job that exists for the caller. */
const extendLeases = ({ sql, within }: RenewCall, items: readonly RenewItem[]) => sql<Row[]>`
  with request as materialized (
    select *
    from jsonb_to_recordset(${JSON.stringify(items)}::text::jsonb) as item (
      id bigint, worker_id text, lease_id text, lease_seconds int, progress_percent real, progress_message text
    )
    order by id
  ),
  owned as materialized (
    select job.id, request.lease_seconds, request.progress_percent, request.progress_message
    from request
    cross join lateral (${lockedJob(sql, sql`request.id`, within)}) as job
    cross join ${assumeManyRows(sql)}
    where ${isLeaseOwner(sql)}
  ),
  renewed as (
    update jobs
    -- An undo of the request to end the job sees by the new time that the worker has heard of it.
    set leased_until = greatest(
          leased_until + case when cancel_requested_at is null then interval '0' else interval '1 microsecond' end,
          now() + owned.lease_seconds * interval '1 second'
        ),
        progress_percent = coalesce(owned.progress_percent, jobs.progress_percent),
        progress_message = coalesce(owned.progress_message, jobs.progress_message)
    from owned
    where ${hasIdAmong(sql, sql`select id from owned`)} and jobs.id = owned.id
    returning jobs.id, jobs.leased_until, jobs.cancel_requested_at is not null as cancel_requested
  )
  select request.id, renewed.leased_until, coalesce(renewed.cancel_requested, false) as cancel_requested
  from request
  cross join lateral (select from jobs where jobs.id = request.id ${isWithin(sql, within)} offset 0) as known
  left join renewed on renewed.id = request.id`

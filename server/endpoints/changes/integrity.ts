import { type IntegrityRequest, IntegrityResult } from '../../../shared/changes/integrity.ts'
import type { Bulk, Counts, JobSet, Running } from '../../bulk/bulk-change.ts'
import { preview } from '../../bulk/preview.ts'
import { change } from '../../bulk/run.ts'
import type { Lot } from '../../bulk/selection.ts'
import { isSeen } from '../../bulk/snapshot.ts'
import type { Call } from '../../call.ts'
import { isOneOf } from '../../database/planner-hints.ts'
import { inScope } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { fixed } from '../../database/static-fragment.ts'
import { expired, takeBack } from '../../lifecycle/expired-leases.ts'

/** A lease that nobody can hold. A partial index has this very predicate: it holds broken rows alone. */
const staleLease = fixed(
  (sql) => sql`
  (
    (status <> 'processing' and leased_until is not null)
    or (status = 'queued' and (lease_id is not null or worker_id is not null))
  )`,
)

const isMeant = (sql: Sql, set: JobSet, request: IntegrityRequest): Fragment => sql`
  ${isSeen(sql, set.seen)} ${inScope(sql, request)}`

/**
 * `select … union all …` of jobs that are wrong in one of these ways, of which no row is so in two. The scope is looked at
 * afterwards, lest the planner reads what is healthy in it.
 */
const found = (sql: Sql, set: JobSet, request: IntegrityRequest, ways: readonly Fragment[]): Fragment =>
  ways
    .map(
      (wrong) => sql`
        select * from (select *, xmin from jobs where ${wrong} offset 0) as jobs where ${isMeant(sql, set, request)}`,
    )
    .reduce((rows, more) => sql`${rows} union all ${more}`)

/** Counts what breaks an invariant; with `fix`, repairs it. */
export async function integrity(call: Call, request: IntegrityRequest): Promise<IntegrityResult> {
  const bulk = bulkOf(request)
  if (request.fix) return change(call, bulk)
  const { preview: previewed, more } = await preview<Broken>(call, bulk, { more: broken, ofNone: none })
  return { ...more, fixed: 0, preview: previewed }
}

function bulkOf(request: IntegrityRequest): Bulk<IntegrityResult> {
  const { domain, queue, job_type, max, preview_token } = request
  const filters = { domain, queue, job_type }
  return {
    kind: 'integrity',
    name: 'integrity sweep',
    event: 'jobs.integrity_sweep',
    scope: request,
    filters,
    request: { ...filters, max, fix: true },
    max,
    token: preview_token,
    matching: (sql, set) => sql`
      from (${found(sql, set, request, [staleLease(sql), ...expired(sql, set)])}) as jobs where true`,
    time: (sql) => sql`leased_until`,
    batch: (tx, running, lot) => repair(tx, running, { request, lot }),
    affected: ({ fixed = 0 }) => fixed,
    answered: ({ counts: { non_processing_with_lease = 0, processing_expired = 0, fixed = 0 } }) => ({
      non_processing_with_lease,
      processing_expired,
      fixed,
    }),
    output: IntegrityResult,
  }
}

interface Broken {
  non_processing_with_lease: number
  processing_expired: number
}

const none: Broken = { non_processing_with_lease: 0, processing_expired: 0 }

/** By what a preview has counted already. */
const broken = fixed(
  (sql) => sql`
  select
    coalesce(sum(count) filter (where status <> 'processing'), 0) as non_processing_with_lease,
    coalesce(sum(count) filter (where status = 'processing'), 0) as processing_expired
  from grouped
  where not by_owner`,
)

interface Repair {
  request: IntegrityRequest
  lot: Lot
}

async function repair(tx: Sql, running: Running, { request, lot }: Repair): Promise<Counts> {
  const non_processing_with_lease = await clearStaleLeases(tx, running, { request, lot })
  const [past, leaseless] = expired(tx, running)
  const where = lot.isAmong(tx, tx`(${past} or ${leaseless}) and ${isMeant(tx, running, request)}`)
  const processing_expired = await takeBack(tx, running, { where, limit: lot.size })
  return { non_processing_with_lease, processing_expired, fixed: non_processing_with_lease + processing_expired }
}

async function clearStaleLeases(tx: Sql, running: Running, { request, lot }: Repair): Promise<number> {
  const { count } = await tx`
    with picked as materialized (
      select id from jobs where ${lot.isAmong(tx, tx`${staleLease(tx)} and ${isMeant(tx, running, request)}`)} for update skip locked
    )
    update jobs
    set leased_until = null, lease_id = null, worker_id = null
    where ${isOneOf(tx, tx`select id from picked`)}`
  return count
}

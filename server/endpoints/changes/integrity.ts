import { type IntegrityRequest, IntegrityResult } from '../../../shared/changes/integrity.ts'
import type { BatchCounts, BulkChange, JobSet, RunningChange } from '../../bulk/bulk-change.ts'
import { previewChange } from '../../bulk/preview.ts'
import { runBulkChange } from '../../bulk/run.ts'
import type { Selection } from '../../bulk/selection.ts'
import { isUnchangedSince } from '../../bulk/snapshot.ts'
import type { Call } from '../../call.ts'
import { hasIdAmong } from '../../database/planner-hints.ts'
import { inScope } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { staticFragment } from '../../database/static-fragment.ts'
import { expiredLeases, reclaim } from '../../lifecycle/expired-leases.ts'

/** A lease that nobody can hold. A partial index has this very predicate: it holds broken rows alone. */
const staleLease = staticFragment(
  (sql) => sql`
  (
    (status <> 'processing' and leased_until is not null)
    or (status = 'queued' and (lease_id is not null or worker_id is not null))
  )`,
)

const isMeant = (sql: Sql, set: JobSet, request: IntegrityRequest): Fragment => sql`
  ${isUnchangedSince(sql, set.snapshot)} ${inScope(sql, request)}`

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
  if (request.fix) return runBulkChange(call, bulk)
  const { preview: previewed, more } = await previewChange<Broken>(call, bulk, { more: broken, ofNone: none })
  return { ...more, fixed: 0, preview: previewed }
}

function bulkOf(request: IntegrityRequest): BulkChange<IntegrityResult> {
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
    previewToken: preview_token,
    matching: (sql, set) => sql`
      from (${found(sql, set, request, [staleLease(sql), ...expiredLeases(sql, set)])}) as jobs where true`,
    time: (sql) => sql`leased_until`,
    batch: (tx, running, selection) => repair(tx, running, { request, selection }),
    affected: ({ fixed = 0 }) => fixed,
    ownAnswer: ({ counts: { non_processing_with_lease = 0, processing_expired = 0, fixed = 0 } }) => ({
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
const broken = staticFragment(
  (sql) => sql`
  select
    coalesce(sum(count) filter (where status <> 'processing'), 0) as non_processing_with_lease,
    coalesce(sum(count) filter (where status = 'processing'), 0) as processing_expired
  from grouped
  where not by_owner`,
)

interface Repair {
  request: IntegrityRequest
  selection: Selection
}

async function repair(tx: Sql, running: RunningChange, { request, selection }: Repair): Promise<BatchCounts> {
  const non_processing_with_lease = await clearStaleLeases(tx, running, { request, selection })
  const [past, leaseless] = expiredLeases(tx, running)
  const where = selection.matches(tx, tx`(${past} or ${leaseless}) and ${isMeant(tx, running, request)}`)
  const processing_expired = await reclaim(tx, running, { where, limit: selection.size })
  return { non_processing_with_lease, processing_expired, fixed: non_processing_with_lease + processing_expired }
}

async function clearStaleLeases(tx: Sql, running: RunningChange, { request, selection }: Repair): Promise<number> {
  const { count } = await tx`
    with picked as materialized (
      select id from jobs where ${selection.matches(tx, tx`${staleLease(tx)} and ${isMeant(tx, running, request)}`)} for update skip locked
    )
    update jobs
    set leased_until = null, lease_id = null, worker_id = null
    where ${hasIdAmong(tx, tx`select id from picked`)}`
  return count
}

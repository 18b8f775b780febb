import { type IntegrityRequest as Asked, IntegrityResult } from '../../../shared/changes/integrity.ts'
import { requireMeeting } from '../../auth/require-scope.ts'
import type { BatchContext, BatchCounts, BulkChange, JobSet } from '../../bulk/change/bulk-change.ts'
import type { Terms } from '../../bulk/change/commission.ts'
import type { Selection } from '../../bulk/change/selection.ts'
import { isUnchangedSince } from '../../bulk/token/snapshot.ts'
import { inFilter } from '../../database/job-filter.ts'
import { hasIdAmong } from '../../database/planner-hints.ts'
import type { Within } from '../../database/scope.ts'
import { type Fragment, type Pool, type Sql, staticFragment } from '../../database/sql.ts'
import { endsByReclaim, expiredLeases, reclaim } from '../../lifecycle/lease/expired-leases.ts'
import { countDependents, dependentsInAnswer } from '../../undo/dependents-along.ts'
import { countExpired } from '../expired-leases.ts'
import { answerOfChecks, countFound } from './engine-checks.ts'
import { describeRepair } from './engine-repair.ts'
import { filtersBesideScope, partsWith, withoutIds } from './filtered.ts'

type IntegrityRequest = Within<Asked>

/** A lease on a job that is not running. A partial index has this predicate and so holds only broken rows. */
const staleLease = staticFragment(
  (sql) => sql`
  (
    (status <> 'processing' and leased_until is not null)
    or (status = 'queued' and (lease_id is not null or worker_id is not null))
  )`,
)

/** The most jobs of a kind that `countViolations` counts. */
const mostViolations = 10_000

/** Counts the jobs whose lease contradicts their status, by kind, up to 10,000 of each; over another engine what its checks find. */
export async function countViolations(sql: Pool): Promise<Record<string, number>> {
  const found = await countFound(sql)
  if (found) return found
  const [row] = await sql<[{ stale_lease: number; expired_lease: number }]>`
    select
      (select count(*) from (
        select from jobs where ${staleLease(sql)} order by id limit ${mostViolations}
      ) as stale) as stale_lease,
      (${countExpired(sql)}) as expired_lease`
  return { ...row }
}

const isInSet = (sql: Sql, set: JobSet, request: IntegrityRequest): Fragment => sql`
  ${isUnchangedSince(sql, set.snapshot)} ${inFilter(sql, request, set.asOf)}`

/**
 * `select … union all …` of the jobs for which one of `conditions` is true; the conditions exclude each other. The filter is
 * on top, since the planner would otherwise read the healthy jobs that match it.
 */
const brokenJobs = (sql: Sql, set: JobSet, request: IntegrityRequest, conditions: readonly Fragment[]): Fragment =>
  conditions
    .map(
      (condition) => sql`
        select * from (select *, xmin, tableoid from jobs where ${condition} offset 0) as jobs where ${isInSet(sql, set, request)}`,
    )
    .reduce((rows, more) => sql`${rows} union all ${more}`)

/** Counts the jobs whose lease contradicts their status, and with `fix` repairs them; over another engine what `describeRepair` says. */
export function describe(request: IntegrityRequest, terms: Terms): BulkChange<IntegrityResult> {
  const ofEngine = describeRepair(request, terms)
  if (ofEngine) return ofEngine
  const bulk = bulkOf(request, terms.quarantineThreshold)
  if (request.fix) return bulk
  return {
    ...bulk,
    async dryRun(makePreview) {
      requireMeeting(terms, bulk.scope)
      const ofEngine = await answerOfChecks(terms.sql, request)
      if (ofEngine) return ofEngine
      const { preview, more } = await makePreview<BrokenCounts>({ more: brokenCounts, ofNone: none })
      return { ...more, fixed: 0, preview }
    },
  }
}

function bulkOf(request: IntegrityRequest, quarantineThreshold: number): BulkChange<IntegrityResult> {
  const { domain, queue, job_type, status } = request
  const filters = { domain, queue, job_type, status, ...filtersBesideScope(request) }
  return {
    ...partsWith(request, filters, { fix: true }),
    kind: 'integrity',
    matching: (sql, set) => sql`
      from (${brokenJobs(sql, set, request, [staleLease(sql), ...expiredLeases(sql, set)])}) as jobs where true`,
    time: (sql) => sql`leased_until`,
    reason: (sql) => sql`case status when 'processing' then 'expired_lease' else 'stale_lease' end`,
    dependents: (sql, set, only) => {
      const [past, leaseless] = expiredLeases(sql, set)
      return countDependents(sql, sql`(${past} or ${leaseless}) and ${isInSet(sql, set, request)}`, {
        fails: endsByReclaim(sql, { quarantineThreshold, countsAttempt: true }),
        only,
      })
    },
    batch: (tx, context, selection) =>
      repair(tx, { ...context, quarantineThreshold }, { request: withoutIds(request, selection), selection }),
    batchStatements: 2,
    ownAnswer: ({ counts, within }) => {
      const { non_processing_with_lease = 0, processing_expired = 0, fixed = 0 } = counts
      return { non_processing_with_lease, processing_expired, fixed, ...dependentsInAnswer(counts, within) }
    },
    output: IntegrityResult,
  }
}

interface BrokenCounts {
  non_processing_with_lease: number
  processing_expired: number
}

const none: BrokenCounts = { non_processing_with_lease: 0, processing_expired: 0 }

/** The counts by kind. Needs the CTE `grouped` of the preview. */
const brokenCounts = staticFragment(
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

type RepairContext = BatchContext & { quarantineThreshold: number }

async function repair(tx: Sql, context: RepairContext, { request, selection }: Repair): Promise<BatchCounts> {
  const non_processing_with_lease = await clearStaleLeases(tx, context, { request, selection })
  const [past, leaseless] = expiredLeases(tx, context)
  const where = selection.matches(tx, tx`(${past} or ${leaseless}) and ${isInSet(tx, context, request)}`)
  const { reclaimed: processing_expired, ...elsewhere } = await reclaim(tx, context, {
    where,
    limit: selection.size,
    countsAttempt: true,
    operator: { within: request.within },
  })
  const fixed = non_processing_with_lease + processing_expired
  return { non_processing_with_lease, processing_expired, fixed, ...elsewhere }
}

async function clearStaleLeases(tx: Sql, context: JobSet, { request, selection }: Repair): Promise<number> {
  const { count } = await tx`
    with picked as materialized (
      select id
      from jobs
      where ${selection.matches(tx, tx`${staleLease(tx)} and ${isInSet(tx, context, request)}`)}
      for update skip locked
    )
    update jobs
    set leased_until = null, lease_id = null, worker_id = null
    where ${hasIdAmong(tx, tx`select id from picked`)}`
  return count
}

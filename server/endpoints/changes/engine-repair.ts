import { liesWithin } from '../../../shared/access/token-scope.ts'
import { type IntegrityRequest as Asked, IntegrityResult } from '../../../shared/changes/integrity.ts'
import { Failure } from '../../../shared/errors.ts'
import type { BulkChange, JobSet } from '../../bulk/change/bulk-change.ts'
import type { Terms } from '../../bulk/change/commission.ts'
import { isUnchangedSince } from '../../bulk/token/snapshot.ts'
import { inFilter } from '../../database/job-filter.ts'
import type { Within } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { servedBy } from '../../engines/served.ts'
import { freeWorkers, isOfGoneWorker, leftToWorkers, type RepairTarget } from '../../undo/engine/free-workers.ts'
import { engineTarget } from '../../undo/engine/target.ts'
import { answerOfChecks } from './engine-checks.ts'
import { filtersBesideScope, partsWith } from './filtered.ts'
import { readRefused } from './refused.ts'

type IntegrityRequest = Within<Asked>

/**
 * Frees the jobs of workers of another engine that are gone. Without `fix` it counts what the engine's checks find, and previews the repair.
 * @returns undefined where the jobs are our own, of several places, or of an engine that looks after lost jobs itself
 * @throws Failure `not_supported` for a repair with a filter or a scope that some jobs of a worker may lie outside of
 */
export function describeRepair(
  request: IntegrityRequest,
  { sql }: Pick<Terms, 'sql'>,
): BulkChange<IntegrityResult> | undefined {
  const target = repairTarget(sql)
  if (!target) return undefined
  const narrower = whatNarrows(request, target)
  if (request.fix && narrower)
    throw new Failure(
      'not_supported',
      `a worker of ${target.adapter.engine} is freed with all of its jobs, of which ${narrower} may leave some out; nothing was changed`,
      { hint: 'jobsctl integrity --fix takes --domain and --worker, and jobsctl workers names the workers' },
    )
  const bulk = bulkOf(request, target)
  if (request.fix) return bulk
  return {
    ...bulk,
    async dryRun(makePreview) {
      const checked = await answerOfChecks(sql, request)
      if (!checked) throw new Error('the jobs are those of an engine')
      if (narrower) return checked
      const { preview } = await makePreview({})
      return { ...checked, ...(await readRefused(sql, bulk)), preview }
    },
  }
}

function repairTarget(sql: Sql): RepairTarget | undefined {
  const served = servedBy(sql)
  if (served.mode === 'own' || served.places.length > 1) return undefined
  const target = engineTarget(sql)
  const repair = target?.writes.repair
  return target && repair && { ...target, repair }
}

/** The field of a request, or the scope, that jobs of a worker may lie outside of. */
function whatNarrows(
  { queue, job_type, status, within, ...request }: IntegrityRequest,
  { found }: RepairTarget,
): string | undefined {
  const { worker_id, ...others } = filtersBesideScope(request)
  const [field] = Object.entries({ queue, job_type, status, ...others }).find(([, value]) => value !== undefined) ?? []
  if (field !== undefined) return `\`${field}\``
  return within && !liesWithin(within, { domain: found.domain }) ? 'the scope of this caller' : undefined
}

function bulkOf(request: IntegrityRequest, target: RepairTarget): BulkChange<IntegrityResult> {
  const { domain, queue, job_type, status, worker_id } = request
  const filters = { domain, queue, job_type, status, ...filtersBesideScope(request) }
  const isAsked = (sql: Sql, set: JobSet): Fragment => sql`
    ${isUnchangedSince(sql, set.snapshot)} ${inFilter(sql, request, set.asOf)}`
  const isFreed = (sql: Sql, set: JobSet): Fragment => sql`
    ${isOfGoneWorker(sql, target, worker_id)} and ${isAsked(sql, set)}`
  return {
    ...partsWith(request, filters, { fix: true }),
    kind: 'integrity',
    matching: (sql, set) => sql`from jobs where ${isFreed(sql, set)}`,
    time: (sql) => sql`jobs.acquired_at`,
    refused: (sql) =>
      leftToWorkers(sql, target, {
        named: worker_id,
        where: isAsked(sql, { asOf: undefined, snapshot: undefined }),
      }),
    batch: async (tx, context, selection) => {
      const fixed = await freeWorkers(tx, context, target, { selection, where: isFreed(tx, context) })
      return { non_processing_with_lease: 0, processing_expired: fixed, fixed }
    },
    batchStatements: 2,
    ownAnswer: async ({ sql, counts }) => {
      const { non_processing_with_lease = 0, processing_expired = 0, fixed = 0 } = counts
      const left = await readRefused(sql, bulkOf(request, target)).catch(() => ({}))
      return { non_processing_with_lease, processing_expired, fixed, ...left }
    },
    output: IntegrityResult,
  }
}

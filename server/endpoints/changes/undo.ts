import type * as z from 'zod'
import { undo as endpoint, type UndoRequest } from '../../../shared/changes/undo.ts'
import type { OperationRecord } from '../../../shared/records/records.ts'
import type { Scope } from '../../../shared/scope.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import type { BulkChange } from '../../bulk/change/bulk-change.ts'
import type { Terms } from '../../bulk/change/commission.ts'
import type { Within } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { type PreviewedConflicts, previewedConflicts, readConflicts } from '../../undo/conflicts.ts'
import { dependentsInAnswer } from '../../undo/dependents-along.ts'
import { withDomainNow } from '../../undo/engine/place-of-operation.ts'
import { readHold } from '../../undo/hold-restored.ts'
import { requireHoldTime } from '../../undo/hold-time.ts'
import { leavesOthers } from '../../undo/leaves-jobs.ts'
import { requireServed } from '../../undo/require-served.ts'
import { requireKeptRows, type WayBack, wayBack } from '../../undo/way-back.ts'
import { readVanishing } from '../queues/stats-now.ts'
import { recordOf } from '../records/records.ts'
import { partsWith } from './filtered.ts'

type UndoResult = z.output<typeof endpoint.output>

/**
 * Restores the jobs of an operation, or of a part of it, that nobody has changed since.
 * @throws Failure `not_found`; `conflict` for an operation that is still running or cannot be undone
 */
export async function describe(
  request: Within<UndoRequest>,
  { sql, archiveDays }: Terms,
): Promise<BulkChange<UndoResult>> {
  const { id, domain, queue, job_type, ids, hold_until, within } = request
  const record = await withDomainNow(sql, await recordOf({ sql, within }, id))
  if (hold_until !== undefined) await requireHoldTime(sql, hold_until, 'hold_until')
  const part = { domain, queue, job_type, ids, within }
  const rejected = new Map<JobId, string>()
  const hold = { until: hold_until, days: archiveDays }
  const way = wayBack(record, { part, rejected, hold })
  await requireServed(sql, record)
  await requireKeptRows(sql, record)
  const bulk = bulkOf(record, request, { way, rejected })
  if (!request.dry_run) return bulk
  return {
    ...bulk,
    async dryRun(makePreview) {
      const { preview, more } = await makePreview<PreviewedConflicts>({
        more: (sql) => previewedConflicts(sql, way),
        except: ({ excluded }) => excluded,
      })
      const { conflict_count, conflict_reasons, conflicts } = more
      const beside = await vanishingBeside(sql, record, bulk.scope)
      return { affected: preview.count, conflict_count, conflict_reasons, conflicts, ...beside, preview }
    },
  }
}

/** The queues of deleted jobs that come back whose engine may delete them again. */
async function vanishingBeside(
  sql: Sql,
  record: Pick<OperationRecord, 'kind' | 'domain' | 'queue'>,
  { domain, queue, within }: Within<Pick<Scope, 'domain' | 'queue'>>,
): Promise<Pick<UndoResult, 'vanishing'>> {
  if (record.kind !== 'prune') return {}
  const scope = { domain: domain ?? record.domain ?? undefined, queue: queue ?? record.queue ?? undefined, within }
  const vanishing = await readVanishing(sql, scope)
  return vanishing.length > 0 ? { vanishing } : {}
}

interface Undoing {
  way: WayBack
  rejected: Map<JobId, string>
}

function bulkOf(
  record: OperationRecord,
  request: Within<UndoRequest>,
  { way, rejected }: Undoing,
): BulkChange<UndoResult> {
  const { id } = record
  const { domain, queue, job_type, ids, hold_until, within } = request
  const filters = { operation: id, domain, queue, job_type, ids, hold_until }
  return {
    ...partsWith(request, filters),
    kind: 'undo',
    scope: {
      domain: domain ?? record.domain ?? undefined,
      queue: queue ?? record.queue ?? undefined,
      job_type: job_type ?? record.job_type ?? undefined,
      within,
    },
    undoes: id,
    leavesJobs: (tx, operation) => leavesOthers(tx, operation, [...rejected.keys()]),
    matching: way.matching,
    time: way.time,
    ...(way.tid && { tid: way.tid }),
    batch: way.batch,
    ...(way.dependents && { dependents: way.dependents }),
    ...(way.batchStatements !== undefined && { batchStatements: way.batchStatements }),
    rejected,
    ownAnswer: async ({ sql, operation, within, counts }) => ({
      affected: counts.affected ?? 0,
      ...dependentsInAnswer(counts, within),
      ...(counts.withdrawn && { withdrawn: counts.withdrawn }),
      ...(await readHold(sql, operation)),
      // The jobs are back: an answer without these is better than none.
      ...(await vanishingBeside(sql, record, { domain, queue, within }).catch(() => ({}))),
      ...(await readConflicts(sql, way, rejected)),
    }),
    output: endpoint.output,
  }
}

import type * as z from 'zod'
import { undo as endpoint, type UndoRequest } from '../../../shared/changes/undo.ts'
import type { OperationRecord } from '../../../shared/records/records.ts'
import type { BulkChange } from '../../bulk/bulk-change.ts'
import { previewChange } from '../../bulk/preview/preview.ts'
import { runBulkChange } from '../../bulk/run.ts'
import type { Call } from '../../call.ts'
import { type PreviewedConflicts, previewedConflicts, readConflicts } from '../../undo/conflicts.ts'
import { requireKeptRows, type WayBack, wayBack } from '../../undo/way-back.ts'
import { recordOf } from '../records/records.ts'

type UndoResult = z.output<typeof endpoint.output>

/**
 * Restores the jobs of an operation that nobody has changed since.
 * @throws Failure `not_found`; `conflict` for an operation that is still running or cannot be undone; others as
 *   `runBulkChange` does
 */
export async function undo(call: Call, request: UndoRequest): Promise<UndoResult> {
  const record = await recordOf(call.sql, request.id)
  const rejected = new Map<number, string>()
  const way = wayBack(record, rejected)
  await requireKeptRows(call.sql, record)
  const bulk = bulkOf(record, request, { way, rejected })
  if (!request.dry_run) return runBulkChange(call, bulk)
  const { preview, more } = await previewChange<PreviewedConflicts>(call, bulk, {
    more: (sql) => previewedConflicts(sql, way),
    except: ({ excluded }) => excluded,
  })
  const { conflict_count, conflicts } = more
  return { affected: preview.count, conflict_count, conflicts, preview }
}

interface Undoing {
  way: WayBack
  rejected: Map<number, string>
}

function bulkOf(
  { id, domain, queue, job_type }: OperationRecord,
  { max, preview_token, rate, until }: UndoRequest,
  { way, rejected }: Undoing,
): BulkChange<UndoResult> {
  const filters = { operation: id }
  return {
    kind: 'undo',
    name: 'undo',
    event: 'jobs.undone',
    scope: { domain: domain ?? undefined, queue: queue ?? undefined, job_type: job_type ?? undefined },
    filters,
    request: { ...filters, max, rate, until },
    brake: { rate, until },
    max,
    previewToken: preview_token,
    undoes: id,
    matching: way.matching,
    time: way.time,
    restorable: (sql) => sql`false`,
    batch: way.batch,
    ...(way.batchStatements !== undefined && { batchStatements: way.batchStatements }),
    rejected,
    affected: ({ affected = 0 }) => affected,
    ownAnswer: async ({ sql, counts: { affected = 0 } }) => ({
      affected,
      ...(await readConflicts(sql, way, rejected)),
    }),
    output: endpoint.output,
  }
}

import type { ForeignRows } from '../../../shared/changes/bulk-change.ts'
import { type EraseRequest, EraseResult } from '../../../shared/changes/erase.ts'
import { kinds } from '../../../shared/changes/kinds.ts'
import { Failure } from '../../../shared/errors.ts'
import type { BatchContext, BatchCounts, BulkChange } from '../../bulk/bulk-change.ts'
import { previewChange } from '../../bulk/preview/preview.ts'
import { runBulkChange } from '../../bulk/run.ts'
import type { Selection } from '../../bulk/selection.ts'
import type { Call } from '../../call.ts'
import type { Sql } from '../../database/sql.ts'
import { missingArchiveColumns } from '../../undo/archive/archive.ts'
import { countDependents, dependentsInAnswer } from '../../undo/dependents-along.ts'
import { eraseJobs } from '../../undo/erase-jobs.ts'
import { eraseRemains } from '../../undo/erase-traces.ts'
import { readForeignPaths } from '../../undo/foreign-keys.ts'
import { countForeignRows, refuseForeignRows } from '../../undo/foreign-rows.ts'
import { hashOfFilter, readAside, refuseNames, valuesOf } from './erase-aside.ts'
import {
  countHeld,
  type Erasing,
  filterOf,
  isErasable,
  isErasableCopy,
  liveWhere,
  matchingErasure,
  tracesOf,
} from './erase-set.ts'
import { withoutIds } from './filtered.ts'

/**
 * Erases jobs, their archived copies and what else the tables have of them. The record, its events and the preview have a hash of the
 * filter in place of its values.
 * @throws Failure `invalid_request` where the reason, the key or the id of the request names a value; `foreign_rows`; others as
 *   `runBulkChange` does
 */
export async function erase(call: Call, request: EraseRequest): Promise<EraseResult> {
  refuseNames(call, valuesOf(request))
  await requireArchiveColumns(call.sql)
  const paths = await readForeignPaths(call.sql)
  const filterHash = await hashOfFilter(call.sql, filterOf(request))
  const bulk = bulkOf({ request, filterHash, kept: request.with_foreign_rows ? [] : paths })
  if (!request.dry_run) return runBulkChange(call, bulk)
  const previewed = await previewChange<{ foreign_rows?: ForeignRows[] }>(
    call,
    bulkOf({ request, filterHash, kept: [] }),
    {
      ofIncomplete: {},
      more: (sql, set) =>
        sql`select (${countForeignRows(sql, paths, liveWhere(sql, set, { request, filterHash, kept: [] }))}) as foreign_rows`,
    },
  )
  const { foreign_rows } = previewed.more
  // The owners of the jobs are what must not be told any more.
  const preview = { ...previewed.preview, owners: [], foreign_rows }
  return { affected: preview.count, ...(await readAside(call.sql, request)), filter_hash: filterHash, preview }
}

function bulkOf(erasing: Erasing): BulkChange<EraseResult> {
  const { request, filterHash, kept } = erasing
  const { domain, queue, job_type, max, preview_token, rate, until, ids } = request
  const by = (['owner_user_id', 'payload', 'ids'] as const).filter((name) => request[name] !== undefined)
  const along = request.with_foreign_rows && { with_foreign_rows: true }
  const filters = { domain, queue, job_type, by, filter_hash: filterHash, ...along }
  return {
    kind: 'erase',
    // Not served to callers with a scope.
    scope: { ...request, within: undefined },
    filters,
    request: { ...filters, ...(ids && { id_count: ids.length }), max, rate, until },
    brake: { rate, until },
    max,
    previewToken: preview_token,
    matching: (sql, set) => matchingErasure(sql, set, erasing),
    check: (sql, set) => refuseForeignRows(sql, kept, liveWhere(sql, set, { ...erasing, kept: [] })),
    time: (sql) => sql`created_at`,
    noWayBack: kinds.erase.undo.never,
    dependents: (sql, set, only) =>
      countDependents(sql, isErasable(sql, set, { ...erasing, request: filterOf(request) }), {
        fails: sql`status <> 'completed'`,
        only,
      }),
    keptByHold: (sql, { holds }) => countHeld(sql, filterOf(request), holds),
    batch: (tx, context, selection) => eraseBatch(tx, context, { ...erasing, selection }),
    batchStatements: 2,
    ownAnswer: async ({ sql, counts }) => ({
      affected: counts.affected ?? 0,
      erased: erasedOf(counts),
      ...dependentsInAnswer(counts, undefined),
      ...(await readAside(sql, request)),
      filter_hash: filterHash,
    }),
    output: EraseResult,
  }
}

async function eraseBatch(
  tx: Sql,
  context: BatchContext,
  { request, kept, selection }: Erasing & { selection: Selection },
): Promise<BatchCounts> {
  const filter = filterOf(withoutIds(request, selection))
  const deleted = await eraseJobs(tx, context, { where: isErasable(tx, context, { request: filter, kept }), selection })
  const remains = await eraseRemains(tx, {
    selection,
    deleted,
    archived: isErasableCopy(tx, context, filter),
    traces: tracesOf(tx, context, { ...filter, among: selection.ids }),
    owner: filter.owner_user_id,
    holds: context.holds,
  })
  const attachments = remains.attachments + deleted.attachments
  const jobs = deleted.ids.length
  const { dependents } = deleted
  return { ...remains, attachments, jobs, dependents, affected: jobs + remains.archived + remains.gone }
}

const erasedOf = ({ jobs = 0, archived = 0, gone = 0, row_images = 0, attachments = 0, events = 0 }: BatchCounts) => ({
  ...{ jobs, archived, gone, row_images, attachments, events },
})

/** Without the columns of the server nobody can tell which archived jobs a hold keeps. */
async function requireArchiveColumns(sql: Sql): Promise<void> {
  const missing = await missingArchiveColumns(sql)
  if (missing.length === 0) return
  throw new Failure('conflict', `jobs_archive lacks the columns ${missing.join(', ')}; nothing was changed`, {
    hint: 'add them: jobsctl doctor says how',
  })
}

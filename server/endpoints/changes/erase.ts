import type { ForeignRows } from '../../../shared/changes/bulk-change.ts'
import { type EraseRequest, EraseResult } from '../../../shared/changes/erase.ts'
import { kinds } from '../../../shared/changes/kinds.ts'
import { Failure } from '../../../shared/errors.ts'
import type { BatchContext, BatchCounts, BulkChange } from '../../bulk/change/bulk-change.ts'
import type { Terms } from '../../bulk/change/commission.ts'
import type { Selection } from '../../bulk/change/selection.ts'
import type { Sql } from '../../database/sql.ts'
import { missingArchiveColumns } from '../../undo/archive/archive.ts'
import { countDependents, dependentsInAnswer } from '../../undo/dependents-along.ts'
import { eraseEngineJobs } from '../../undo/engine/erase-jobs.ts'
import { engineTarget } from '../../undo/engine/target.ts'
import { type Deleted, eraseJobs } from '../../undo/erase-jobs.ts'
import { eraseRemains } from '../../undo/erase-traces.ts'
import { readForeignPaths } from '../../undo/foreign/foreign-keys.ts'
import { countForeignRows, refuseForeignRows } from '../../undo/foreign/foreign-rows.ts'
import { hashOfFilter, readAside, refuseNames, valuesOf } from './erase/aside.ts'
import { readCopies, readCopiesInTime } from './erase/copies.ts'
import {
  countHeld,
  type Erasing,
  filterOf,
  isErasable,
  isErasableCopy,
  liveWhere,
  matchingErasure,
  tracesOf,
} from './erase/set.ts'
import { withoutIds } from './filtered.ts'

/**
 * Erases jobs, their archived copies and what else the tables have of them. The record, its events and the preview have a hash of the
 * filter in place of its values.
 * @throws Failure `invalid_request` where the reason, the key or the id of the request names a value; `conflict` for an archive without columns
 */
export async function describe(asked: EraseRequest, terms: Terms): Promise<BulkChange<EraseResult>> {
  const { sql } = terms
  refuseNames(terms, valuesOf(asked))
  const copies = await (asked.dry_run ? readCopiesInTime(sql, asked) : readCopies(sql, asked))
  const request = { ...asked, copies }
  await requireArchiveColumns(sql)
  const paths = await readForeignPaths(sql)
  const filterHash = await hashOfFilter(sql, filterOf(asked))
  // The preview counts the rows of other tables that a change would refuse to delete.
  const kept = request.dry_run || request.with_foreign_rows ? [] : paths
  const bulk = bulkOf({ request, filterHash, kept })
  if (!request.dry_run) return bulk
  return {
    ...bulk,
    async dryRun(makePreview) {
      const { preview, more } = await makePreview<{ foreign_rows?: ForeignRows[] }>({
        ofIncomplete: {},
        narrowing: 'narrow the filter by domain, queue or job type, or name the jobs by their ids',
        more: (sql, set) =>
          request.copies_only
            ? sql`select`
            : sql`select (${countForeignRows(sql, paths, liveWhere(sql, set, { request, filterHash, kept }))}) as foreign_rows`,
      })
      const aside = await readAside(sql, request)
      // The preview names no owners: they are what is erased.
      return {
        affected: preview.count,
        ...aside,
        filter_hash: filterHash,
        preview: { ...preview, owners: [], foreign_rows: more.foreign_rows },
      }
    },
  }
}

function bulkOf(erasing: Erasing): BulkChange<EraseResult> {
  const { request, filterHash, kept } = erasing
  const { domain, queue, job_type, max, preview_token, rate, until, ids, copies_only } = request
  const by = (['owner_user_id', 'payload', 'ids'] as const).filter((name) => request[name] !== undefined)
  const along = request.with_foreign_rows && { with_foreign_rows: true }
  const copies = copies_only && { copies_only }
  const filters = { domain, queue, job_type, by, filter_hash: filterHash, ...along, ...copies }
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
    ...(!copies_only && {
      check: (sql, set) => refuseForeignRows(sql, kept, liveWhere(sql, set, { ...erasing, kept: [] })),
    }),
    time: (sql) => sql`created_at`,
    noWayBack: kinds.erase.undo.never,
    ...(!copies_only && {
      dependents: (sql, set, only) =>
        countDependents(sql, isErasable(sql, set, { ...erasing, request: filterOf(request) }), {
          fails: sql`status <> 'completed'`,
          only,
        }),
    }),
    keptByHold: (sql, { holds }) => countHeld(sql, request, holds),
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
  const where = isErasable(tx, context, { request: filter, kept })
  const parts = {
    selection,
    archived: isErasableCopy(tx, context, filter),
    traces: tracesOf(tx, context, { ...filter, among: selection.ids }),
    owner: filter.owner_user_id,
    holds: context.holds,
  }
  const target = engineTarget(tx)
  if (target) {
    const erased = await eraseEngineJobs(tx, target, { ...parts, where: request.copies_only ? undefined : where })
    return { ...erased, affected: erased.jobs + erased.archived + erased.gone }
  }
  const deleted = request.copies_only ? noJobs : await eraseJobs(tx, context, { where, selection })
  const remains = await eraseRemains(tx, { ...parts, deleted })
  const attachments = remains.attachments + deleted.attachments
  const jobs = deleted.ids.length
  const { dependents } = deleted
  return { ...remains, attachments, jobs, dependents, affected: jobs + remains.archived + remains.gone }
}

const noJobs: Deleted = { ids: [], uuids: [], attachments: 0, dependents: 0 }

const erasedOf = ({ jobs = 0, archived = 0, gone = 0, row_images = 0, attachments = 0, events = 0 }: BatchCounts) => ({
  jobs,
  archived,
  gone,
  row_images,
  attachments,
  events,
})

/** Without the columns of the server nobody can tell which archived jobs a hold keeps. */
async function requireArchiveColumns(sql: Sql): Promise<void> {
  const missing = await missingArchiveColumns(sql)
  if (missing.length === 0) return
  throw new Failure('conflict', `jobs_archive lacks the columns ${missing.join(', ')}; nothing was changed`, {
    hint: 'add them: jobsctl doctor says how',
  })
}

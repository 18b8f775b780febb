import * as z from 'zod'
import { TokenScope } from '../../shared/access/token-scope.ts'
import { undoOf } from '../../shared/changes/kinds.ts'
import { Failure } from '../../shared/errors.ts'
import type { OperationRecord } from '../../shared/records/records.ts'
import type { JobId } from '../../shared/work/job-key.ts'
import type { BulkChange, JobSet } from '../bulk/change/bulk-change.ts'
import { isUnchangedSince } from '../bulk/token/snapshot.ts'
import { isNoneOf } from '../database/job-ids.ts'
import type { Narrowed } from '../database/scope.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { countAlongBack, whyAlongNotBack } from './along-back.ts'
import { hasArchive } from './archive/archive.ts'
import { leftMoved, type Moved, moveBack, whyNotMovedBack } from './engine/move-back.ts'
import { engineTarget } from './engine/target.ts'
import type { HoldTerm } from './hold-restored.ts'
import { requireWayBack } from './no-way-back.ts'
import { inPart, type Part } from './part.ts'
import { canBeRestored, whyNotRestored } from './restorable.ts'
import { isJobOfImage, isUnchangedSinceChange, restoreColumns, whyColumnsNotRestored } from './restore-columns.ts'
import { restoreDeleted } from './restore-deleted.ts'

/** How an undo restores the jobs of one operation, or of a part of it. */
export interface WayBack
  extends Pick<BulkChange<unknown>, 'time' | 'tid' | 'batch' | 'batchStatements' | 'dependents'> {
  matching: (sql: Sql, set: JobSet) => Fragment
  /** A query of the jobs that cannot be restored, as `(job_id, reason)`. */
  conflicts: (sql: Sql) => Fragment
}

interface Undoing {
  part: Part
  /** Where jobs that the database does not restore are added during the undo, by id, with the reason. */
  rejected: Map<JobId, string>
  hold: HoldTerm
}

/**
 * Chooses the way back of a part of an operation by its kind.
 * @throws Failure `conflict` for an operation that is still running, and for kinds that cannot be undone
 */
export function wayBack(record: OperationRecord, undoing: Undoing): WayBack {
  const { id, kind, state, filters } = record
  if (state === 'running') {
    const hint = 'wait until the operation has ended'
    throw new Failure('conflict', `operation ${id} is still running; nothing was changed`, { hint })
  }
  requireWayBack({ id, kind, filters })
  if (undoOf(kind) === 'archive') return backFromArchive({ id, scope: scopeOf(record) }, undoing)
  if (undoOf(kind) === 'both') return backFromMove({ undoes: id, scope: scopeOf(record) }, undoing)
  if (undoOf(kind) === 'row images') return backFromImages({ id, edited: kind === 'edit' }, undoing)
  throw new Failure('conflict', `operation ${id} is a ${kind}, which cannot be undone; nothing was changed`)
}

/** The jobs of a part of an operation that can be given back. */
export function leftOf({ id, kind }: Pick<OperationRecord, 'id' | 'kind'>, part: Part): WayBack['matching'] {
  if (undoOf(kind) === 'archive') return leftInArchive(id, part, {})
  return undoOf(kind) === 'both' ? leftAfterMove({ undoes: id, scope: {}, part }) : leftByImages(id, part)
}

const leftAfterMove =
  (moved: Moved): WayBack['matching'] =>
  (sql, set) =>
    sql`${leftMoved(sql, moved)} and ${isNotExcluded(sql, set)}`

const leftInArchive =
  (id: number, part: Part, scope: Narrowed): WayBack['matching'] =>
  (sql, set) =>
    sql`
    from jobs_archive as jobs
    where operation_id = ${id}::bigint and ${canBeRestored(sql, scope)} and ${isNotExcluded(sql, set)}
      ${inPart(sql, part, sql`jobs.id`)}`

const leftByImages =
  (id: number, part: Part): WayBack['matching'] =>
  (sql, set) =>
    sql`
    from job_operation_rows kept
    join jobs on ${isJobOfImage(sql)}
    where kept.operation_id = ${id}::bigint and ${isUnchangedSinceChange(sql)}
      and ${isUnchangedSince(sql, set.snapshot)} and ${isNotExcluded(sql, set)}
      ${inPart(sql, part, sql`kept.job_ref`)}`

/** A prune as its record has it: the rows of the archive are not sealed, and those that it cannot have deleted are not given back. */
const scopeOf = ({ domain, queue, job_type, filters }: OperationRecord): Narrowed => ({
  domain: domain ?? undefined,
  queue: queue ?? undefined,
  job_type: job_type ?? undefined,
  within: RanUnder.safeParse(filters).data?.within,
})

const RanUnder = z.looseObject({ within: TokenScope })

const backFromArchive = (
  { id, scope }: { id: number; scope: Narrowed },
  { part, rejected, hold }: Undoing,
): WayBack => ({
  matching: leftInArchive(id, part, scope),
  time: (sql) => sql`archived_at`,
  tid: (sql) => (engineTarget(sql) ? sql`jobs.ctid` : undefined),
  conflicts: (sql) => sql`
    ${whyNotRestored(sql, id, part, scope)}
    union all ${whyColumnsNotRestored(sql, id, part)}
    union all ${whyAlongNotBack(sql, id, { part, scope })}`,
  dependents: (sql, _, only) => countAlongBack(sql, id, { part, scope }, only),
  batch: (tx, context, selection) =>
    restoreDeleted(tx, context, { undoes: id, scope, part, selection, rejected, hold }),
  batchStatements: 3,
})

const backFromImages = ({ id, edited }: { id: number; edited: boolean }, { part, hold }: Undoing): WayBack => ({
  matching: leftByImages(id, part),
  time: (sql) => sql`updated_at`,
  conflicts: (sql) => whyColumnsNotRestored(sql, id, part),
  batch: (tx, context, selection) => restoreColumns(tx, context, { undoes: id, selection, hold, edited }),
})

const backFromMove = (of: Omit<Moved, 'part'>, { part, rejected, hold }: Undoing): WayBack => {
  const moved = { ...of, part }
  return {
    matching: leftAfterMove(moved),
    time: (sql) => sql`archived_at`,
    conflicts: (sql) => whyNotMovedBack(sql, moved),
    batch: (tx, context, selection) => moveBack(tx, context, { ...moved, selection, rejected, hold }),
    batchStatements: 3,
  }
}

/** True for jobs that were no conflict in the preview: a conflict that is resolved later does not join the set. */
const isNotExcluded = (sql: Sql, { excluded = [] }: JobSet): Fragment =>
  excluded.length === 0 ? sql`true` : isNoneOf(sql, excluded)

/**
 * Checks that the operation has archived jobs or row images. An operation that is undone already, or changed no job, passes, and so
 * does one while an undo of it is on record as running: that one may have given back the last job.
 * @throws Failure `conflict` when undos have given back all its jobs, when they were never archived, or their archive is deleted already
 */
export async function requireKeptRows(sql: Sql, { id, state, affected }: OperationRecord): Promise<void> {
  if (state === 'undone' || affected === 0 || (await hasKeptRows(sql, id))) return
  const [undos] = await sql<[{ last: number | null; jobs: number; running: boolean }]>`
    select
      max(id) as last, coalesce(sum(affected), 0)::bigint as jobs, coalesce(bool_or(state = 'running'), false) as running
    from job_operations
    where id > ${id}::bigint and kind = 'undo' and filters ->> 'operation' = ${String(id)}::text
      and (affected > 0 or state = 'running')`
  if (undos.running) return
  if (undos.last !== null && undos.jobs >= affected) {
    throw new Failure('conflict', `operation ${id} was undone by operation ${undos.last}; nothing was changed`, {
      hint: `jobsctl operations ${undos.last} shows that undo`,
    })
  }
  const detail = `the archive does not have the jobs of operation ${id}, or has them no longer; nothing was changed`
  const hint = 'JOBS_ARCHIVE_BEFORE_DELETE says whether jobs are kept, JOBS_ARCHIVE_DAYS for how long'
  throw new Failure('conflict', detail, { hint })
}

/** True where the database has archived jobs or row images of the operation. */
export async function hasKeptRows(sql: Sql, id: number): Promise<boolean> {
  const [{ kept }] = await sql<[{ kept: boolean }]>`
    select exists (select from job_operation_rows where operation_id = ${id}::bigint) as kept`
  if (kept || !(await hasArchive(sql))) return kept
  const archived = await sql`select from jobs_archive where operation_id = ${id}::bigint limit 1`
  return archived.count > 0
}

import type * as z from 'zod'
import { type Conflict, undo as operation, type UndoRequest } from '../../../shared/changes/undo.ts'
import { Failure } from '../../../shared/errors.ts'
import type { OperationRecord } from '../../../shared/records/records.ts'
import type { BatchCounts, BulkChange, JobSet, RunningChange } from '../../bulk/bulk-change.ts'
import { previewChange } from '../../bulk/preview.ts'
import { runBulkChange } from '../../bulk/run.ts'
import type { Selection } from '../../bulk/selection.ts'
import { isUnchangedSince } from '../../bulk/snapshot.ts'
import type { Call } from '../../call.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { hasArchive } from '../../undo/archive.ts'
import { isUnchangedSinceChange, restoreColumns, whyNotSetBack } from '../../undo/restore-columns.ts'
import { canBeRestored, type Refusing, restoreDeleted, whyNotRestored } from '../../undo/restore-deleted.ts'
import { recordOf } from '../records/records.ts'

type UndoResult = z.output<typeof operation.output>

/** How one kind of operation is taken back. */
interface Way {
  /** `from …`: what can be taken back. */
  matching: (sql: Sql, set: JobSet) => Fragment
  time: (sql: Sql) => Fragment
  /** `select job_id, reason from …`: what cannot. */
  conflicts: (sql: Sql) => Fragment
  batch: (tx: Sql, running: RunningChange & Refusing, selection: Selection) => Promise<BatchCounts>
}

const mostConflicts = 100

/**
 * Takes back an operation, as far as the world has not gone on since.
 * @throws Failure `not_found`, or `conflict` for one that still runs or cannot be taken back
 */
export async function undo(call: Call, request: UndoRequest): Promise<UndoResult> {
  const record = await recordOf(call.sql, request.id)
  const way = wayBack(record)
  await refuseWhatIsGone(call.sql, record)
  const bulk = bulkOf(record, way, request)
  if (!request.dry_run) return runBulkChange(call, bulk)
  const { preview: previewed, more } = await previewChange<Conflicts & Left>(call, bulk, {
    more: (sql) => conflicts(sql, way, leftOnes(sql)),
    except: ({ left }) => left,
  })
  const { left: _, ...told } = more
  return { affected: previewed.count, ...told, preview: previewed }
}

function wayBack({ id, kind, state }: OperationRecord): Way {
  if (state === 'running') {
    throw new Failure('conflict', `operation ${id} still runs; nothing was changed`, {
      hint: 'wait until it has ended',
    })
  }
  if (kind === 'prune') {
    return {
      matching: (sql, set) => sql`
        from jobs_archive as jobs where operation_id = ${id}::bigint and ${canBeRestored(sql)} and ${isNoneOf(sql, set)}`,
      time: (sql) => sql`archived_at`,
      conflicts: (sql) => whyNotRestored(sql, id),
      batch: (tx, running, selection) => restoreDeleted(tx, running, { undoes: id, selection }),
    }
  }
  if (kind === 'requeue' || kind === 'sweep') {
    return {
      matching: (sql, set) => sql`
        from job_operation_rows kept
        join jobs on jobs.id = kept.job_id
        where kept.operation_id = ${id}::bigint and ${isUnchangedSinceChange(sql)} and ${isUnchangedSince(sql, set.snapshot)} and ${isNoneOf(sql, set)}`,
      time: (sql) => sql`updated_at`,
      conflicts: (sql) => whyNotSetBack(sql, id),
      batch: (tx, running, selection) => restoreColumns(tx, running, { undoes: id, selection }),
    }
  }
  throw new Failure(
    'conflict',
    `operation ${id} is ${kind === 'undo' ? 'an undo' : 'a repair'}, which cannot be taken back`,
  )
}

/**
 * What was never put away, or not kept for so long, cannot be taken back; what has been taken back already is no error.
 */
async function refuseWhatIsGone(sql: Sql, { id, state, affected }: OperationRecord): Promise<void> {
  if (state === 'undone' || affected === 0) return
  const [{ kept }] = await sql<[{ kept: boolean }]>`
    select exists (select from job_operation_rows where operation_id = ${id}::bigint) as kept`
  if (kept) return
  if (await hasArchive(sql)) {
    const archived = await sql`select from jobs_archive where operation_id = ${id}::bigint limit 1`
    if (archived.count > 0) return
  }
  throw new Failure(
    'conflict',
    `what operation ${id} changed is not in the archive, or not any more; nothing was changed`,
    {
      hint: 'JOBS_ARCHIVE_BEFORE_DELETE says whether jobs are kept, JOBS_ARCHIVE_DAYS for how long',
    },
  )
}

function bulkOf(
  { id, domain, queue, job_type }: OperationRecord,
  way: Way,
  request: UndoRequest,
): BulkChange<UndoResult> {
  const filters = { operation: id }
  const rejected = new Map<number, string>()
  return {
    kind: 'undo',
    name: 'undo',
    event: 'jobs.undone',
    scope: { domain: domain ?? undefined, queue: queue ?? undefined, job_type: job_type ?? undefined },
    filters,
    request: { ...filters, max: request.max },
    max: request.max,
    previewToken: request.preview_token,
    undoes: id,
    matching: way.matching,
    time: way.time,
    rejected,
    batch: (tx, running, selection) => way.batch(tx, { ...running, rejected }, selection),
    affected: ({ affected = 0 }) => affected,
    ownAnswer: async ({ running, counts: { affected = 0 } }) => ({
      affected,
      ...(await conflictsOf(running.sql, way, rejected)),
    }),
    output: operation.output,
  }
}

/** Of so many conflicts a preview remembers that they are none of its jobs: of more its token would be too long. */
const mostLeft = 2000

/** Conflicts of the preview: what is one no longer does not join. */
const isNoneOf = (sql: Sql, { excluded = [] }: JobSet): Fragment =>
  excluded.length === 0 ? sql`true` : sql`jobs.id <> all(${`{${excluded.join(',')}}`}::text::bigint[])`

interface Conflicts {
  conflict_count: number
  conflicts: Conflict[]
}

interface Left {
  left: number[]
}

const leftOnes = (sql: Sql): Fragment => sql`,
  (select coalesce(jsonb_agg(job_id), '[]') from (select job_id from conflicts limit ${mostLeft}) as few) as left`

const conflicts = (sql: Sql, way: Way, more = sql``): Fragment => sql`
  with conflicts as materialized (${way.conflicts(sql)})
  select
    (select count(*) from conflicts) as conflict_count,
    (select coalesce(jsonb_agg(first order by job_id), '[]') from (
      select job_id, reason from conflicts order by job_id limit ${mostConflicts}
    ) as first) as conflicts
    ${more}`

/** What cannot be taken back, with what the tables did not take. */
async function conflictsOf(sql: Sql, way: Way, refused: ReadonlyMap<number, string>): Promise<Conflicts> {
  const [{ conflict_count, conflicts: first }] = await sql<[Conflicts]>`${conflicts(sql, way)}`
  const others = [...refused].filter(([id]) => !first.some(({ job_id }) => job_id === id))
  const all = [...others.map(([job_id, reason]) => ({ job_id, reason })), ...first]
  return { conflict_count: conflict_count + others.length, conflicts: all.slice(0, mostConflicts) }
}

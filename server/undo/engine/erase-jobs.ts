import type { JobId } from '../../../shared/work/job-key.ts'
import type { Selection } from '../../bulk/change/selection.ts'
import { idArray } from '../../database/job-ids.ts'
import { isImageKeptByHold, unless } from '../../database/kept-by-hold.ts'
import type { Holds } from '../../database/read-holds.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { ofOperationHere } from '../../engines/of-place.ts'
import { type ErasedRemains, erasedCalls, erasedEvents } from '../erase-traces.ts'
import { requireAllChanged } from './require-all-changed.ts'
import { type EngineTarget, requireSameVersion, tidOfPicked } from './target.ts'

interface Erasure {
  selection: Selection
  /** True for jobs that are erased; undefined where only copies are. */
  where: Fragment | undefined
  /** True for rows of the archive, with the alias `jobs`, that are erased. */
  archived: Fragment
  /** A query like `traces`; undefined where the filter finds none. */
  traces: Fragment | undefined
  owner: string | undefined
  holds: Holds
}

/** How many rows a batch deleted or overwrote. */
interface Erased extends ErasedRemains {
  jobs: number
}

/**
 * Erases jobs of another engine without a copy, and what our tables have of them: rows of the archive, row images, the owner and the attributes of
 * events. Filters of agents that name the owner are overwritten. Jobs that other transactions have locked are passed over.
 * @throws Failure `conflict` where the engine has migrated its tables since the server started; RowsKept where a trigger keeps a job of the batch
 */
export async function eraseEngineJobs(
  tx: Sql,
  target: EngineTarget,
  { selection, where, archived, traces, owner, holds }: Erasure,
): Promise<Erased> {
  await requireSameVersion(tx, target)
  const jobs = where ? await deleteRows(tx, target, selection, where) : []
  const copies = await deleteCopies(tx, target, selection, archived)
  const deleted = idArray(tx, jobs)
  const asked = selection.ids ? tx`jobs.id = any(${idArray(tx, selection.ids)})` : tx`true`
  const whole = idArray(tx, [...new Set([...jobs, ...copies])])
  // The events of a job that this batch has deleted, or whose copies it has, are no traces: the job is counted already.
  const found = traces
    ? tx`select jobs.id from (${traces}) as jobs where ${asked} and jobs.id <> all(${whole})`
    : tx`select null::text as id where false`
  // The jobs of the rows are gone: of all holds only those over operations can keep an image.
  const isKept = isImageKeptByHold(tx, { ...holds, filters: [], haveJobs: false })
  const [row] = await tx<[Omit<ErasedRemains, 'archived' | 'attachments'>]>`
    with traced as materialized (${found}),
    whole as materialized (select unnest(${whole}) as id),
    -- The key of an archived job may be that of a job again, after an undo.
    absent as materialized (
      select id from (select id from whole union select id from traced) as named
      where id = any(${deleted}) or not exists (${target.ofKey(tx, 'named.id')})
    ),
    row_images as (
      delete from ${target.ours('job_operation_rows')} as images
      where images.job_key = any(array(select id from absent)) ${ofOperationHere(tx, tx`images.operation_id`)} ${unless(tx, isKept)}
      returning images.operation_id
    ),
    ${owner === undefined ? tx`` : tx`asked as (${erasedCalls(tx, owner)}),`}
    events as (${erasedEvents(tx, owner)})
    select
      (select count(*) from traced) as gone,
      (select count(*) from row_images) as row_images,
      (select count(*) from events) as events`
  return { ...row, jobs: jobs.length, archived: copies.length, attachments: 0 }
}

/** A deleted row, with what `EngineWrites.erased` reads of it. */
interface DeletedRow {
  id: JobId
  along?: object
}

/** The columns of `EngineWrites.erased` of a row of `jobs` or of its archive, in one. */
const alongOf = (tx: Sql, { writes }: EngineTarget): Fragment =>
  writes.erased
    ? tx`, (select to_jsonb(one) from (select jobs.queue, jobs.native_id, ${tx.unsafe(writes.erased.columns)}) as one) as along`
    : tx``

/** Does what goes with the erasure, and returns the keys of the jobs. */
async function withAlong(
  tx: Sql,
  { adapter, writes, found, ours }: EngineTarget,
  rows: readonly DeletedRow[],
  from: 'jobs' | 'archive',
): Promise<JobId[]> {
  if (rows.length > 0)
    await writes.erased?.along(tx, found, ours(adapter.archive), JSON.stringify(rows.map(({ along }) => along)), from)
  return rows.map(({ id }) => id)
}

/** Deletes the rows of the batch, and returns the keys of their jobs. */
async function deleteRows(tx: Sql, target: EngineTarget, selection: Selection, where: Fragment): Promise<JobId[]> {
  const { writes, found, table } = target
  const along = writes.erased ? tx`, picked.along` : tx``
  const deleted = writes.calls
    ? tx`select picked.id ${along} from (${writes.calls.remove(tx, found)}) as removed join picked on ${tx.unsafe(writes.calls.isRemoved)}`
    : tx`
      delete from ${table} as j
      using picked
      where ${tx.unsafe(writes.isPicked)} and ${tx.unsafe(writes.guard(found))}
      returning picked.id ${along}`
  const [row] = await tx<[{ picked: number; affected: number; deleted: DeletedRow[] }]>`
    with picked as materialized (
      select jobs.id, jobs.native_id, jobs.queue, jobs.job_type ${alongOf(tx, target)} ${tidOfPicked(tx, target)}
      from jobs
      where ${selection.matches(tx, where)} and ${writes.mayDelete(tx, found, 'erase')}
      for update skip locked
    ),
    deleted as (${deleted})
    select (select count(*) from picked) as picked, count(*) as affected, coalesce(jsonb_agg(to_jsonb(deleted)), '[]') as deleted
    from deleted`
  await requireAllChanged(tx, target, 'delete', row)
  return withAlong(tx, target, row.deleted, 'jobs')
}

/** Deletes the archived copies of the batch, and returns the key of each: a job may have several. */
async function deleteCopies(tx: Sql, target: EngineTarget, selection: Selection, archived: Fragment): Promise<JobId[]> {
  const { adapter, writes, found, ours } = target
  const rows = await tx<DeletedRow[]>`
    with chosen as materialized (
      select jobs.id, jobs.queue, jobs.native_id, jobs.operation_id ${alongOf(tx, target)}
      from jobs_archive as jobs
      where ${selection.matches(tx, archived)}
    )
    delete from ${ours(adapter.archive)} as archived
    using chosen
    where ${tx.unsafe(writes.archivedBy.isChosen)}
      and archived.operation_id = chosen.operation_id and archived.job_schema = ${found.schemaName}::text
    returning chosen.id ${writes.erased ? tx`, chosen.along` : tx``}`
  return withAlong(tx, target, rows, 'archive')
}

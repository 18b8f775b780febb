import type { BatchContext } from '../../bulk/change/bulk-change.ts'
import type { Selection } from '../../bulk/change/selection.ts'
import { isUnchangedSince } from '../../bulk/token/snapshot.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { insertEvents } from '../../lifecycle/events/job-events.ts'
import { type HoldTerm, holdEnd, holdRestored } from '../hold-restored.ts'
import { bringAlong, type ChangedRow, carriedJobs } from './along.ts'
import { imagesForTriggers, isGivenBack, requireNoneGivenBack } from './given-back.ts'
import { requireAllChanged } from './require-all-changed.ts'
import { type EngineTarget, requireSameVersion, tidOfPicked } from './target.ts'

/** The image of the job as it is now, of the projection. */
const imageNow = 'native_image'

/**
 * True for a row `kept` of `job_operation_rows` and its job of another engine, where the job is as the operation left it, did not run, and has
 * its place.
 */
export const isEngineJobUnchanged = (sql: Sql, { writes, found }: EngineTarget): Fragment => sql`(
  kept.job_key = jobs.id and ${sql.unsafe(writes.stateOf('kept.before'))} <> ${writes.running}::text
  and ${sql.unsafe(writes.comparable(imageNow))} = ${sql.unsafe(writes.comparable('kept.after'))}
  ${writes.edits ? sql`and coalesce(native_edited @> (kept.after -> 'edited'), true)` : sql``}
  ${writes.whyNoPlace ? sql`and (${writes.whyNoPlace(sql, found, 'kept.before')}) is null` : sql``}
)`

/** True for a job of another engine that a row `kept` of `job_operation_rows` is about: by the columns of its key, which an index has. */
export const isEngineJobOf = (sql: Sql, { writes }: Pick<EngineTarget, 'writes'>): Fragment =>
  sql.unsafe(writes.isOfImage('kept.after'))

/** Branches of a `case` over `kept` and `jobs`: why a job of another engine is not as the operation left it. */
export const whyEngineJobChanged = (sql: Sql, { writes, found }: EngineTarget): Fragment => sql`
  when kept.job_key <> jobs.id then 'the job is in another queue now'
  when ${sql.unsafe(writes.stateOf('kept.before'))} = ${writes.running}::text then 'the job was running, and has lost its worker'
  when ${sql.unsafe(writes.stateOf(imageNow))} <> ${sql.unsafe(writes.stateOf('kept.after'))}
    then 'the job has gone on, and is ' || jobs.status
  ${whyNoPlace(sql, { writes, found })}`

function whyNoPlace(sql: Sql, { writes, found }: Pick<EngineTarget, 'writes' | 'found'>): Fragment {
  const why = writes.whyNoPlace?.(sql, found, 'kept.before')
  return why ? sql`when (${why}) is not null then ${why}` : sql``
}

interface Restore {
  /** The id of the operation that is undone. */
  undoes: number
  selection: Selection
  hold: HoldTerm
  /** The operation is an edit. */
  edited: boolean
}

/**
 * Gives back the columns that an operation has overwritten in jobs of another engine, deletes the images, holds the jobs, and writes an event
 * for each of them.
 * @returns the number of jobs
 * @throws Failure `conflict` where the engine has migrated its tables since the server started; RowsKept where a trigger keeps a job of the batch
 */
export async function restoreEngineColumns(
  tx: Sql,
  context: Pick<BatchContext, 'operation' | 'snapshot' | 'requestId' | 'caller' | 'reason' | 'optimistic'>,
  target: EngineTarget,
  { undoes, selection, hold, edited }: Restore,
): Promise<number> {
  const { writes, found, table, ours } = target
  await requireSameVersion(tx, target)
  const until = holdEnd(tx, hold)
  const now =
    edited && writes.edits
      ? `(${writes.image(found)} || jsonb_build_object('edited', ${writes.edits.values(found)}))`
      : writes.image(found)
  const isSame = tx.unsafe(
    isGivenBack(target, { act: 'undo' }, { before: 'picked.before', after: 'picked.after', now }),
  )
  const updated = writes.calls
    ? tx`select restored.*, false as is_same from (${writes.calls.restore(tx, found)}) as restored`
    : tx`
      update ${table} as j
      set ${writes.restored(tx, found, until, edited)}
      from picked
      where ${tx.unsafe(writes.isPicked)} and ${tx.unsafe(writes.guard(found))}
      returning picked.*, ${isSame} as is_same`
  const [row] = await tx<[ChangedRow & { picked: number; same: number; for_triggers?: string | null }]>`
    with picked as materialized (
      select jobs.id, jobs.native_id, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id, kept.before,
        kept.after ${tidOfPicked(tx, target)}
      from jobs
      join ${ours('job_operation_rows')} as kept on kept.operation_id = ${undoes}::bigint and kept.job_key = jobs.id
      where ${selection.matches(tx, tx`${isEngineJobUnchanged(tx, target)} and ${isUnchangedSince(tx, context.snapshot)}`)}
      for update of jobs skip locked
    ),
    updated as (${updated}),
    deleted_images as (
      delete from ${ours('job_operation_rows')}
      where operation_id = ${undoes}::bigint and job_key = any(array(select id from updated))
    ),
    ${holdRestored(tx, context, { ...hold, undoes, restored: tx`select id from updated` })},
    events as (${insertEvents(
      tx,
      context,
      tx`
        select id, domain, queue, job_type, owner_user_id, trace_id, 'job.restored' as event_type,
          jsonb_build_object('status', ${tx.unsafe(writes.stateOf('before'))}, 'caller', ${context.caller}::text) as attrs
        from updated`,
    )})
    select (select count(*) from picked) as picked, count(*) as affected, count(*) filter (where is_same) as same
      ${carriedJobs(tx, target, 'undo', tx`updated`)} ${imagesForTriggers(tx, target, tx`updated`)}
    from updated`
  await requireAllChanged(tx, target, 'update', row)
  await requireNoneGivenBack(tx, target, { act: 'undo' }, { images: row.for_triggers, edited })
  await bringAlong(tx, target, 'undo', row)
  return row.affected
}

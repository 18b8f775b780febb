import type { JobId } from '../../../shared/work/job-key.ts'
import type { BatchContext, BatchCounts } from '../../bulk/change/bulk-change.ts'
import type { Selection } from '../../bulk/change/selection.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { insertEvents } from '../../lifecycle/events/job-events.ts'
import { requireAllChanged } from './require-all-changed.ts'
import { type MovingTarget, requireSameVersion } from './target.ts'

interface EngineMove {
  selection: Selection
  /** A condition on `jobs`: true for jobs that the change takes. */
  where: Fragment
  /** Where jobs that have no place in the queue that they came from are added, with the reason. */
  rejected: Map<JobId, string>
}

/**
 * Moves dead letters of another engine back into the queues that they came from, in one statement: each becomes a new job there, and the
 * dead letter goes into the archive, whole. A job is passed over while another transaction holds it, or its original. The image before is
 * that of the dead letter, and the one after that of the new job.
 * @throws Failure `conflict` where the engine has migrated its tables since the server started; RowsKept where a trigger keeps a dead letter
 */
export async function moveEngineJobs(
  tx: Sql,
  context: BatchContext,
  target: MovingTarget,
  { selection, where, rejected }: EngineMove,
): Promise<BatchCounts> {
  const { adapter, writes, moves, found, table, ours } = target
  await requireSameVersion(tx, target)
  const source = moves.source(tx)
  const columns = await writes.archivedColumns(tx, found)
  const names = tx.unsafe(columns.map(({ name }) => `, ${name}`).join(''))
  const values = tx.unsafe(columns.map(({ value }) => `, ${value}`).join(''))
  const [row] = await tx<[{ affected: number; deleted: number; failed: JobId[] }]>`
    with chosen as materialized (
      select jobs.id, jobs.native_id, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id,
        jobs.native_image as before, ${source.queue} as to_queue, ${source.id} as original,
        gen_random_uuid() as moved_id
      from jobs
      where ${selection.matches(tx, where)}
      for update skip locked
    ),
    originals as materialized (${moves.originals(tx, found)}),
    picked as materialized (select chosen.* from chosen where ${moves.originalStays(tx, found)}),
    inserted as (${moves.insert(tx, found)}),
    moved as materialized (
      select picked.*, inserted.moved_to, inserted.after from picked join inserted on inserted.moved_id = picked.moved_id
    ),
    deleted as (
      with picked as materialized (select moved.queue, moved.native_id from moved)
      delete from ${table} as j
      using picked
      where ${tx.unsafe(writes.isPicked)}
      returning j.*
    ),
    archived as (
      insert into ${ours(adapter.archive)} (operation_id, job_schema ${names})
      select ${context.operation}::bigint, ${found.schemaName}::text ${values} from deleted
    ),
    row_images as (
      insert into ${ours('job_operation_rows')} (operation_id, job_key, before, after)
      select ${context.operation}::bigint, id, before, after from moved
    ),
    events as (${insertEvents(
      tx,
      context,
      tx`
        select id, domain, queue, job_type, owner_user_id, trace_id, 'job.redriven' as event_type,
          jsonb_build_object('caller', ${context.caller}::text, 'moved_to', moved_to) as attrs
        from moved`,
    )})
    select
      (select count(*) from moved) as affected,
      (select count(*) from deleted) as deleted,
      (
        select coalesce(jsonb_agg(id), '[]') from picked where moved_id not in (select moved_id from moved)
      ) as failed`
  // With its dead letter the job would run twice.
  await requireAllChanged(tx, target, 'delete', { picked: row.affected, affected: row.deleted })
  for (const id of row.failed) rejected.set(id, 'another job has its place in the queue')
  return { affected: row.affected }
}

import type { JobId } from '../../shared/work/job-key.ts'
import type { BatchContext } from '../bulk/change/bulk-change.ts'
import { idSelection, type Selection } from '../bulk/change/selection.ts'
import { hasIdAmong } from '../database/planner-hints.ts'
import { type Fragment, type Sql, staticFragment } from '../database/sql.ts'
import { cascade, droppedEvents, failedEnds } from '../lifecycle/dependents/dependents.ts'
import { insertEvents } from '../lifecycle/events/job-events.ts'
import { deletedRelated, relatedRows } from './delete-jobs.ts'
import { lockBeforeDeletion } from './lock-before-deletion.ts'

interface Erasure {
  /** True for rows of `jobs` that belong to the set. */
  where: Fragment
  selection: Selection
}

/** The ids and uuids of deleted rows, and the number of their attachments. */
export interface Deleted {
  ids: JobId[]
  uuids: string[]
  attachments: number
  /** How many jobs that do not belong to the set were cancelled along. */
  dependents: number
}

interface Row extends Deleted {
  /** Jobs of the set that the statement has cancelled, since they depend on a job that it has deleted. */
  along: JobId[]
}

/**
 * Deletes the jobs of a batch with their attachments and edges, and without a copy. Queued jobs that depend on one of them and do not
 * belong to the set are cancelled, unless the job was completed; those that belong to the set are deleted, too.
 */
export async function eraseJobs(tx: Sql, context: BatchContext, { where, selection }: Erasure): Promise<Deleted> {
  const locked = await lockBeforeDeletion(tx, { where, selection, skipsLocked: true })
  const { along, ...deleted } = await eraseOnce(tx, context, { where, selection: locked })
  if (along.length === 0) return deleted
  // The snapshot does not know these rows any more, since the statement before has written them.
  const more = await eraseOnce(tx, context, { where: tx`true`, selection: idSelection(along) })
  return {
    ids: [...deleted.ids, ...more.ids],
    uuids: [...deleted.uuids, ...more.uuids],
    attachments: deleted.attachments + more.attachments,
    dependents: deleted.dependents + more.dependents,
  }
}

async function eraseOnce(tx: Sql, context: BatchContext, { where, selection }: Erasure): Promise<Row> {
  const belongs = tx`to_jsonb((${where}) is true)`
  const [row] = await tx<[Row]>`
    with recursive
    picked as materialized (select id from jobs where ${selection.matches(tx, where)} for update skip locked),
    erased as (
      delete from jobs
      where ${hasIdAmong(tx, tx`select id from picked`)} and (${where}) is true
      returning id, uuid, status
    ),
    ${asEnded(tx)},
    ${relatedRows(tx)},
    ${cascade(tx, belongs)},
    events as (${insertEvents(tx, context, droppedEvents(tx))}),
    ${deletedRelated(tx)}
    select
      coalesce((select jsonb_agg(id) from deleted_jobs), '[]') as ids,
      coalesce((select jsonb_agg(uuid) from deleted_jobs where uuid is not null), '[]') as uuids,
      coalesce((select jsonb_agg(id) from dropped where before = 'true'), '[]') as along,
      (select count(*) from dropped where before = 'false') as dependents,
      (select count(*) from attachments) as attachments`
  return row
}

/** Defines the CTE `deleted_jobs` from `erased`: a job that was not completed counts as cancelled for its dependents. */
const asEnded = staticFragment(
  (sql) => sql`
  deleted_jobs as (
    select id, uuid, case when status in ${failedEnds(sql)} or status = 'completed' then status else 'cancelled' end as status
    from erased
  )`,
)

import type { BatchContext, BatchCounts } from '../bulk/change/bulk-change.ts'
import type { Selection } from '../bulk/change/selection.ts'
import { hasIdAmong } from '../database/planner-hints.ts'
import { type Fragment, type Sql, staticFragment } from '../database/sql.ts'
import { cascade, droppedEvents, elsewhereColumn } from '../lifecycle/dependents/dependents.ts'
import { insertEvents } from '../lifecycle/events/job-events.ts'
import { saveAlong } from './along-back.ts'
import { type Archive, insertIntoArchive, insertIntoArchiveBare } from './archive/archive.ts'
import { lockBeforeDeletion } from './lock-before-deletion.ts'
import { rowImage } from './row-images.ts'

interface Deletion {
  /** True for rows of `jobs` that may be deleted. */
  where: Fragment
  selection: Selection
  /** Where the deleted rows go; undefined where they are not kept. */
  archive: Archive | undefined
}

/** Deletes the jobs of a batch with their attachments and edges, and archives them. Returns how many jobs were `deleted`, and how many `dependents` cancelled along. */
export async function deleteJobs(tx: Sql, context: BatchContext, deletion: Deletion): Promise<BatchCounts> {
  const selection = await lockBeforeDeletion(tx, { ...deletion, skipsLocked: !context.optimistic })
  const bare = context.optimistic ? await deleteBare(tx, context, { ...deletion, selection }) : 0
  return bare > 0 ? { deleted: bare } : deleteWithRelated(tx, context, { ...deletion, selection })
}

/** Fast path: a plain DELETE when no edges or attachments exist. Returns 0 when they do. */
async function deleteBare(tx: Sql, context: BatchContext, { where, selection, archive }: Deletion): Promise<number> {
  const deletion = tx`
    delete from jobs
    where ${selection.matches(tx, where)}
      and not (select exists (select from job_dependencies) or exists (select from job_attachments))`
  if (!archive) return (await tx`${deletion}`).count
  // Counts deleted rows instead of archived ones: a trigger of another program may redirect the insert.
  const [{ deleted }] = await tx<[{ deleted: number }]>`
    with deleted_jobs as (${deletion} returning jobs.*), archived as (${insertIntoArchiveBare(tx, archive, context)})
    select count(*) as deleted from deleted_jobs`
  return deleted
}

async function deleteWithRelated(
  tx: Sql,
  context: BatchContext,
  { where, selection, archive }: Deletion,
): Promise<BatchCounts> {
  const matching = selection.matches(tx, where)
  const picked = tx`picked as materialized (select id from jobs where ${matching} for update skip locked),`
  // The condition is tested again: where ids were given twice, another job may have the id of a picked one.
  const isPicked = tx`${hasIdAmong(tx, tx`select id from picked`)} and (${where}) is true`
  const [counts] = await tx<[BatchCounts]>`
    with recursive
    ${context.optimistic ? tx`` : picked}
    deleted_jobs as (
      delete from jobs
      where ${context.optimistic ? matching : isPicked}
      returning ${archive ? tx`jobs.*` : tx`id, uuid, status`}
    ),
    ${relatedRows(tx)},
    ${cascade(tx, rowImage(tx))},
    events as (${insertEvents(tx, context, droppedEvents(tx))}),
    ${deletedRelated(tx)}
    ${archive ? tx`, archived as (${insertIntoArchive(tx, archive, context)}), images as (${saveAlong(tx, context)})` : tx``}
    select count(*) as deleted, (select count(*) from dropped) as dependents ${elsewhereColumn(tx, 'dropped', context.within)}
    from deleted_jobs`
  return counts
}

/**
 * Defines the CTEs `related` (whether edges and attachments exist at all, since most jobs have none) and `ended`, the
 * deleted jobs whose edges `cascade` follows. Needs the CTE `deleted_jobs`.
 */
export const relatedRows = staticFragment(
  (sql) => sql`
  related as materialized (
    select
      exists (select from job_dependencies) as edges,
      exists (
        select from job_attachments
        where job_id between (select min(id) from deleted_jobs) and (select max(id) from deleted_jobs)
      ) as attachments
  ),
  -- A job that waits for a deleted job which failed can never run; the deletion of the edge would hide that.
  ended as (select uuid, status from deleted_jobs where (select edges from related))`,
)

/**
 * Defines the CTEs `attachments`, `dependencies` and `dependents`: the rows beside the deleted jobs, which it deletes. Needs
 * the CTEs `deleted_jobs`, `related` and `ended`. Arrays of keys keep the planner from a nested loop over all rows.
 */
export const deletedRelated = staticFragment(
  (sql) => sql`
  attachments as (
    delete from job_attachments
    where job_id = any(array(select id from deleted_jobs where (select attachments from related)))
    returning *
  ),
  dependencies as (
    delete from job_dependencies where job_uuid = any(array(select uuid from ended)) returning *
  ),
  dependents as (
    delete from job_dependencies
    where depends_on_job_uuid = any(array(select uuid from ended))
    returning *
  )`,
)

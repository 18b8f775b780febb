import type { BatchContext, BatchCounts } from '../bulk/change/bulk-change.ts'
import type { Selection } from '../bulk/change/selection.ts'
import { hasIdAmong } from '../database/planner-hints.ts'
import { type Fragment, type Sql, staticFragment } from '../database/sql.ts'
import type { EngineActOrEdit } from '../engines/writes.ts'
import { elsewhereColumn } from '../lifecycle/dependents/dependents.ts'
import { revivable, revive } from '../lifecycle/dependents/revive.ts'
import { insertEvents, notifyQueues } from '../lifecycle/events/job-events.ts'
import { changeEngineJobs } from './engine/change-jobs.ts'
import { engineTarget } from './engine/target.ts'
import { type FurtherColumn, pickedAndUpdated, rowImage, saveRowImages } from './row-images.ts'

interface ColumnChange {
  selection: Selection
  /** A condition on `jobs`: true for jobs that the change takes. */
  where: Fragment
  /** Assignments of `update jobs set …`. */
  assignments: Fragment
  /** The type of the event of each job. */
  event: string
  /** The attributes of the event: an expression of type jsonb over the updated row of `jobs`. */
  attrs: Fragment
  /** Columns that the assignments overwrite beside those of every row image. */
  further?: readonly FurtherColumn[]
  /** The same change of jobs of another engine. `due` is an expression over \`jobs\`: the time from which a job can run then. */
  engine?: EngineActOrEdit
  /** The attributes of its events, where they have more than the caller: an expression of type jsonb. */
  engineAttrs?: Fragment
  due?: Fragment
  /** True to bring back the jobs that were cancelled because these jobs had ended badly. */
  withDependents?: boolean
}

/**
 * Changes columns of the jobs of a selection in one statement: it keeps the row images for an undo, inserts an event for each
 * job, and notifies their queues. Jobs that other transactions have locked are skipped.
 * @returns `affected`, and `dependents`, the number of jobs that were brought back
 */
export async function changeColumns(tx: Sql, context: BatchContext, change: ColumnChange): Promise<BatchCounts> {
  const { selection, where, assignments, event, attrs, further = [], withDependents = false, engine, due } = change
  const { engineAttrs = tx`jsonb_build_object('caller', ${context.caller}::text)` } = change
  const target = engineTarget(tx)
  if (target && !engine) throw new Error(`no engine makes the change of ${event}`)
  if (target && engine) {
    const affected = await changeEngineJobs(tx, context, target, {
      selection,
      where,
      act: engine,
      event,
      attrs: engineAttrs,
      due,
    })
    return { affected }
  }
  const image = rowImage(tx, further)
  const [row] = await tx<[BatchCounts]>`
    with recursive
    picked as materialized (
      select id, uuid, ${image} as before
      from jobs
      where ${selection.matches(tx, where)}
      for update skip locked
    ),
    updated as (
      update jobs
      set ${assignments}
      where ${hasIdAmong(tx, tx`select id from picked`)}
      returning jobs.id, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id,
        ${attrs} as attrs, ${image} as after
    ),
    ${withDependents ? dependents(tx, image) : noDependents(tx)},
    row_images as (${saveRowImages(tx, context, tx`${pickedAndUpdated(tx)} union all select id, before, after from revived`)}),
    events as (${insertEvents(tx, context, changeEvents(tx, event))}),
    notified as (${notifyQueues(tx, tx`select domain, queue from updated union all select domain, queue from revived`)})
    select (select count(*) from updated) as affected, (select count(*) from revived) as dependents
      ${elsewhereColumn(tx, 'revived', context.within)}
    from (select) as once
    left join notified on true`
  return row
}

const dependents = (sql: Sql, image: Fragment): Fragment => sql`
  runnable_again as (select uuid from picked),
  ${revivable(sql)},
  ${revive(sql, image)}`

/** Defines the CTE `revived` of `revive` without a row. */
const noDependents = staticFragment(
  (sql) => sql`
  revived as (
    select id, domain, queue, job_type, owner_user_id, trace_id, null::jsonb as before, null::jsonb as after
    from jobs
    where false
  )`,
)

/** The events of the CTEs `updated` and `revived`. */
const changeEvents = (sql: Sql, event: string): Fragment => sql`
  select id, domain, queue, job_type, owner_user_id, trace_id, ${event}::text as event_type, attrs from updated
  union all
  select id, domain, queue, job_type, owner_user_id, trace_id, 'job.revived', '{}'::jsonb from revived`

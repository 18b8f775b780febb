import type { BatchContext } from '../../bulk/change/bulk-change.ts'
import type { Selection } from '../../bulk/change/selection.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { EngineActOrEdit, EngineEdits } from '../../engines/writes.ts'
import { insertEvents } from '../../lifecycle/events/job-events.ts'
import { bringAlong, type ChangedRow, carriedJobs } from './along.ts'
import { imagesForTriggers, isGivenBack, requireNoneGivenBack } from './given-back.ts'
import { requireAllChanged } from './require-all-changed.ts'
import { type EngineTarget, requireSameVersion, tidOfPicked } from './target.ts'

interface EngineChange {
  selection: Selection
  /** A condition on `jobs`: true for jobs that the change takes. */
  where: Fragment
  act: EngineActOrEdit
  /** The type of the event of each job. */
  event: string
  /** The attributes of the events: an expression of type jsonb over `changed`, with `id`, `status` before and `due`. */
  attrs: Fragment
  /** An expression over `jobs`: the time from which a job can run then. */
  due?: Fragment | undefined
}

/**
 * Changes jobs of another engine in one statement: it locks them, passes over those that are locked, keeps their images for an undo, and
 * inserts an event for each of them.
 * @returns the number of jobs
 * @throws Failure `conflict` where the engine has migrated its tables since the server started; RowsKept where a trigger keeps a job of the batch
 */
export async function changeEngineJobs(
  tx: Sql,
  context: BatchContext,
  target: EngineTarget,
  { selection, where, act, event, attrs, due = tx`null::timestamptz` }: EngineChange,
): Promise<number> {
  const { writes, found, table, ours } = target
  await requireSameVersion(tx, target)
  const type = act.act === 'cancel' && writes.endedAs ? `job.${writes.endedAs}` : event
  const matching = writes.mayChange ? tx`${where} and ${writes.mayChange(tx)}` : where
  const edit = act.act === 'edit' ? act : undefined
  const edits = edit && requireEdits(writes.edits)
  /** An image, with the values that an edit overwrites. */
  const withEdited = (image: Fragment, values: Fragment): Fragment =>
    edits ? tx`${image} || jsonb_build_object('edited', ${ofNames(tx, values, edits.names(edit))})` : image
  // The change itself has the columns of `picked`: a join of the two compares each with each, since the planner knows nothing of how many are picked.
  const changed =
    act.act !== 'edit' && writes.calls
      ? writes.calls.change(tx, found, act, context.operation)
      : tx`
      update ${table} as j
      set ${assignmentsOf(tx, target, act)}
      from picked
      where ${tx.unsafe(writes.isPicked)} and ${tx.unsafe(writes.guard(found))}
      returning picked.*, ${withEdited(tx.unsafe(writes.image(found)), tx.unsafe(edits?.values(found) ?? ''))} as after`
  const isSame = tx.unsafe(isGivenBack(target, act, { before: 'before', after: 'after', now: 'after' }))
  const [row] = await tx<[ChangedRow & { picked: number; same: number; for_triggers?: string | null }]>`
    with picked as materialized (
      select jobs.id, jobs.native_id, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id, jobs.status,
        ${withEdited(tx`jobs.native_image`, tx`jobs.native_edited`)} as before, ${due} as due
          ${tidOfPicked(tx, target)}
      from jobs
      where ${selection.matches(tx, matching)}
      for update skip locked
    ),
    changed as materialized (${changed}),
    row_images as (
      insert into ${ours('job_operation_rows')} (operation_id, job_key, before, after)
      select ${context.operation}::bigint, id, before, after from changed
      on conflict (operation_id, job_key) where job_key is not null do update set after = excluded.after
    ),
    events as (${insertEvents(
      tx,
      context,
      tx`select id, domain, queue, job_type, owner_user_id, trace_id, ${type}::text as event_type, ${attrs} as attrs from changed`,
    )})
    select (select count(*) from picked) as picked, count(*) as affected,
      count(*) filter (where ${isSame}) as same
      ${carriedJobs(tx, target, act.act, tx`changed`)} ${imagesForTriggers(tx, target, tx`changed`)}
    from changed`
  await requireAllChanged(tx, target, 'update', row)
  await requireNoneGivenBack(tx, target, act, { images: row.for_triggers, edited: edits !== undefined })
  await bringAlong(tx, target, act.act, row)
  return row.affected
}

const requireEdits = (edits: EngineEdits | undefined): EngineEdits => {
  if (edits) return edits
  throw new Error('no engine makes the change of job.edited')
}

function assignmentsOf(tx: Sql, { writes, found }: EngineTarget, act: EngineActOrEdit): Fragment {
  if (act.act === 'edit') return requireEdits(writes.edits).assignments(tx, found, act)
  if (writes.calls) throw new Error('the engine changes its jobs by calls')
  return writes.assignments(tx, found, act)
}

/** An SQL expression of type jsonb: the values with these names. */
const ofNames = (sql: Sql, values: Fragment, names: readonly string[]): Fragment => sql`(
  select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(${values}) where key = any(${[...names]}::text[])
)`

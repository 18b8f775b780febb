import type { BatchCounts, RunningChange } from '../bulk/bulk-change.ts'
import type { Selection } from '../bulk/selection.ts'
import { isUnchangedSince } from '../bulk/snapshot.ts'
import { hasIdAmong } from '../database/planner-hints.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { staticFragment } from '../database/static-fragment.ts'
import { insertEvents, notifyQueues } from '../lifecycle/job-events.ts'
import { restoreFromImage, rowImage } from '../undo/row-images.ts'

/** What ran when it was ended has lost its worker, and cannot run on. */
const canGoBack = staticFragment((sql) => sql`kept.before ->> 'status' <> 'processing'`)

/** True for a row of `kept` and its job where nobody has picked it up or changed it since. */
export const isUnchangedSinceChange = staticFragment(
  (sql) => sql`(${canGoBack(sql)} and ${rowImage(sql)} = kept.after)`,
)

/** Jobs of an operation that cannot be set back, as `(job_id, reason)`. */
export const whyNotSetBack = (sql: Sql, operation: number): Fragment => sql`
  select
    kept.job_id,
    case
      when jobs.id is null then 'it is gone'
      when not ${canGoBack(sql)} then 'it was running, and has lost its worker'
      when jobs.status <> kept.after ->> 'status' then 'it has gone on, and is ' || jobs.status
      else 'it was picked up or changed since'
    end as reason
  from job_operation_rows kept
  left join jobs on jobs.id = kept.job_id
  where kept.operation_id = ${operation}::bigint and not coalesce(${isUnchangedSinceChange(sql)}, false)`

interface SettingBack {
  undoes: number
  selection: Selection
}

/** Gives jobs the columns back that the operation has overwritten. */
export async function restoreColumns(
  tx: Sql,
  running: RunningChange,
  { undoes, selection }: SettingBack,
): Promise<BatchCounts> {
  const keptOf = tx`from job_operation_rows where operation_id = ${undoes}::bigint and job_id = jobs.id`
  const [row] = await tx<[{ affected: number }]>`
    with picked as materialized (
      select jobs.id
      from jobs
      cross join lateral (select before, after ${keptOf} offset 0) as kept
      where ${selection.matches(tx, tx`${isUnchangedSinceChange(tx)} and ${isUnchangedSince(tx, running.snapshot)}`)}
      for update of jobs skip locked
    ),
    moved as (
      update jobs
      set ${restoreFromImage(tx, keptOf)}
      where ${hasIdAmong(tx, tx`select id from picked`)}
      returning jobs.id, domain, queue, job_type, owner_user_id, trace_id, jobs.status
    ),
    forgotten as (
      delete from job_operation_rows
      where ctid = any(array(
        select place from moved as jobs cross join lateral (select ctid as place ${keptOf} offset 0) as kept
      ))
    ),
    told as (${insertEvents(tx, running, movedSteps(tx, running))}),
    rung as (${notifyQueues(tx, tx`select domain, queue from moved where status = 'queued'`)})
    select count(moved.id) as affected
    from moved
    left join rung on true`
  return row
}

const movedSteps = (sql: Sql, { caller }: RunningChange): Fragment => sql`
  select id, domain, queue, job_type, owner_user_id, trace_id, 'job.restored' as event_type,
    jsonb_build_object('status', status, 'caller', ${caller}::text) as attrs
  from moved`

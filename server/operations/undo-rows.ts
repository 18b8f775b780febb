import type { Counts, Running } from '../bulk/bulk-change.ts'
import type { Lot } from '../bulk/selection.ts'
import { isSeen } from '../bulk/snapshot.ts'
import { isOneOf } from '../database/planner-hints.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { fixed } from '../database/static-fragment.ts'
import { ring, tellSteps } from '../lifecycle/job-events.ts'
import { fromImage, imageOf } from '../undo/row-images.ts'

/** What ran when it was ended has lost its worker, and cannot run on. */
const canGoBack = fixed((sql) => sql`kept.before ->> 'status' <> 'processing'`)

/** True for a row of `kept` and its job where nobody has picked it up or changed it since. */
export const isUntouched = fixed((sql) => sql`(${canGoBack(sql)} and ${imageOf(sql)} = kept.after)`)

/** Jobs of an operation that cannot be set back, as `(job_id, reason)`. */
export const whyTouched = (sql: Sql, operation: number): Fragment => sql`
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
  where kept.operation_id = ${operation}::bigint and not coalesce(${isUntouched(sql)}, false)`

interface SettingBack {
  undoes: number
  lot: Lot
}

/** Gives jobs the columns back that the operation has overwritten. */
export async function setBack(tx: Sql, running: Running, { undoes, lot }: SettingBack): Promise<Counts> {
  const keptOf = tx`from job_operation_rows where operation_id = ${undoes}::bigint and job_id = jobs.id`
  const [row] = await tx<[{ affected: number }]>`
    with picked as materialized (
      select jobs.id
      from jobs
      cross join lateral (select before, after ${keptOf} offset 0) as kept
      where ${lot.isAmong(tx, tx`${isUntouched(tx)} and ${isSeen(tx, running.seen)}`)}
      for update of jobs skip locked
    ),
    moved as (
      update jobs
      set ${fromImage(tx, keptOf)}
      where ${isOneOf(tx, tx`select id from picked`)}
      returning jobs.id, domain, queue, job_type, owner_user_id, trace_id, jobs.status
    ),
    forgotten as (
      delete from job_operation_rows
      where ctid = any(array(
        select place from moved as jobs cross join lateral (select ctid as place ${keptOf} offset 0) as kept
      ))
    ),
    told as (${tellSteps(tx, running, movedSteps(tx, running))}),
    rung as (${ring(tx, tx`select domain, queue from moved where status = 'queued'`)})
    select count(moved.id) as affected
    from moved
    left join rung on true`
  return row
}

const movedSteps = (sql: Sql, { caller }: Running): Fragment => sql`
  select id, domain, queue, job_type, owner_user_id, trace_id, 'job.restored' as event_type,
    jsonb_build_object('status', status, 'caller', ${caller}::text) as attrs
  from moved`

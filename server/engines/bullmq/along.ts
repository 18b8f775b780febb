import type { Fragment, Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import type { ActWithUndo, ChangedJobs } from '../writes.ts'

/**
 * What goes with a change, in its transaction: the edges of flows, the deduplication ids, events for those who wait for a job, and the sign
 * that wakes workers. Without it a worker that waits for a job an hour ahead does not look before.
 */
export async function bringAlong(sql: Sql, { schema }: Found, act: ActWithUndo, changed: ChangedJobs): Promise<void> {
  const of = sql.unsafe(schema)
  const rows = rowsOf(sql, changed)
  if (act === 'retry') await giveEdgesBack(sql, of, rows)
  if (act === 'cancel') await leaveDedup(sql, of, rows)
  if (act === 'undo') await takeBack(sql, of, rows)
  await sql`
    insert into ${of}.event (queue, event, data, created_at_ms)
    select queue, event, data, (extract(epoch from clock_timestamp()) * 1000)::bigint
    from (${eventsOf(sql, act, rows)}) as told
    where event is not null`
  await tellQueues(sql, sql`select distinct queue from ${rows}`)
}

/** Wakes the workers of queues and who follows their events. `queues` is a query of their names. */
export const tellQueues = (sql: Sql, queues: Fragment): Promise<unknown> => sql`
  select pg_notify(channel, queue)
  from (${queues}) as queues
  cross join unnest(array['bullmq_jobs', 'bullmq_events']) as channels (channel)`

/** Changed jobs as a table `changed` with their images, without what may be long. */
const rowsOf = (sql: Sql, changed: ChangedJobs): Fragment => sql`
  (
    select
      one ->> 'queue' as queue, one ->> 'native_id' as id, one -> 'before' as before, one -> 'after' as after, one ->> 'jobs' as jobs
    from jsonb_array_elements(${changed}::text::jsonb) as one
  ) as changed`

/** One row of `event` for each job, as BullMQ has them; of a prune one for each queue. */
function eventsOf(sql: Sql, act: ActWithUndo, rows: Fragment): Fragment {
  if (act === 'delete')
    return sql`select queue, 'cleaned' as event, jsonb_build_object('count', jobs) as data from ${rows}`
  if (act === 'cancel')
    return sql`
      select queue, 'failed' as event,
        jsonb_build_object('jobId', id, 'failedReason', after ->> 'failed_reason', 'prev', before ->> 'state') as data
      from ${rows}`
  // An undo goes from the image that the change has left to the one before it.
  const [was, is] = act === 'undo' ? [sql`after`, sql`before`] : [sql`before`, sql`after`]
  return sql`
    select
      queue,
      case
        when ${is} ->> 'state' = ${was} ->> 'state' and ${is} ->> 'process_at_ms' is not distinct from ${was} ->> 'process_at_ms' then null
        when ${is} ->> 'state' in ('waiting', 'delayed', 'waiting-children') then ${is} ->> 'state'
      end as event,
      case ${is} ->> 'state'
        when 'delayed' then jsonb_build_object('jobId', id, 'delay', (${is} ->> 'process_at_ms')::bigint)
        else jsonb_build_object('jobId', id, 'prev', ${was} ->> 'state')
      end as data
    from ${rows}`
}

/** The keys of the locks under which BullMQ changes the children of a parent, in one order for all. */
const lockParents = (sql: Sql, rows: Fragment): Promise<unknown> => sql`
  select pg_advisory_xact_lock(key)
  from (
    select distinct hashtext('bullmq:parent:' || (before #>> '{edge,parent_queue}') || ':' || (before #>> '{edge,parent_id}')) as key
    from ${rows}
    where before -> 'edge' ->> 'status' = 'failed'
    order by key
    offset 0
  ) as keys`

/** A child that has failed its parent is awaited again, whichever of the two is retried. */
async function giveEdgesBack(sql: Sql, of: Fragment, rows: Fragment): Promise<void> {
  await lockParents(sql, rows)
  await moveEdges(sql, of, {
    rows,
    set: sql`status = 'pending', value = null`,
    from: 'failed',
    count: sql`+`,
  })
  // BullMQ counts pending edges alone: beside one that has failed, a parent would run when its other children have completed.
  await sql`
    update ${of}.job_dependency as e
    set status = 'pending', value = null
    from ${rows}
    where ${isParentAgain(sql)} and e.parent_queue = changed.queue and e.parent_id = changed.id and e.status = 'failed'`
  await countChildren(sql, of, rows)
}

/** A condition on `changed`: a parent that had failed waits for its children again, or, in an undo, did so until now. */
const isParentAgain = (sql: Sql): Fragment =>
  sql`changed.before ->> 'state' = 'failed' and changed.after ->> 'state' = 'waiting-children'`

const countChildren = (sql: Sql, of: Fragment, rows: Fragment): Promise<unknown> => sql`
  update ${of}.job as parent
  set pending_deps = (
    select count(*)
    from ${of}.job_dependency as e
    where e.parent_queue = parent.queue and e.parent_id = parent.id and e.status = 'pending'
  )
  from ${rows}
  where ${isParentAgain(sql)} and parent.queue = changed.queue and parent.id = changed.id`

/** The deduplication id of a cancelled job is free. */
const leaveDedup = (sql: Sql, of: Fragment, rows: Fragment): Promise<unknown> => sql`
  delete from ${of}.dedup as d
  using ${rows}
  where before ->> 'dedup' is not null and d.queue = changed.queue and d.dedup_id = before #>> '{dedup,id}' and d.job_id = changed.id`

/** The undo of a retry fails the parent again; the undo of a cancel takes the deduplication id, which no other change gives up, unless another job has it. */
async function takeBack(sql: Sql, of: Fragment, rows: Fragment): Promise<void> {
  await lockParents(sql, rows)
  await moveEdges(sql, of, {
    rows,
    set: sql`status = 'failed', value = changed.before #> '{edge,value}'`,
    from: 'pending',
    count: sql`-`,
  })
  await sql`
    update ${of}.job_dependency as e
    set status = 'failed', value = child.value
    from ${rows}
    cross join lateral jsonb_to_recordset(changed.before -> 'failed_children') as child (child_key text, value jsonb)
    where ${isParentAgain(sql)} and e.parent_queue = changed.queue and e.parent_id = changed.id
      and e.child_key = child.child_key and e.status = 'pending'`
  await countChildren(sql, of, rows)
  await sql`
    insert into ${of}.dedup (queue, dedup_id, job_id, expire_at_ms)
    select queue, before #>> '{dedup,id}', id, (before #>> '{dedup,expire_at_ms}')::bigint
    from ${rows}
    where before ->> 'dedup' is not null and after ->> 'state' = 'failed' and before ->> 'state' <> 'failed'
      and ((before #>> '{dedup,expire_at_ms}') is null or (before #>> '{dedup,expire_at_ms}')::bigint > extract(epoch from now()) * 1000)
    on conflict do nothing`
}

interface EdgeMove {
  rows: Fragment
  /** Assignments of an update of the row `e` of `job_dependency`. */
  set: Fragment
  /** The status of the edges that are moved; those of the image have failed. */
  from: 'failed' | 'pending'
  /** What the number of awaited children does. */
  count: Fragment
}

const moveEdges = (sql: Sql, of: Fragment, { rows, set, from, count }: EdgeMove): Promise<unknown> => sql`
  with moved as (
    update ${of}.job_dependency as e
    set ${set}
    from ${rows}
    where changed.before #>> '{edge,status}' = 'failed' and e.child_queue = changed.queue and e.child_id = changed.id
      and e.parent_queue = changed.before #>> '{edge,parent_queue}' and e.parent_id = changed.before #>> '{edge,parent_id}'
      and e.status = ${from}::text::${of}.dep_status
    returning e.parent_queue, e.parent_id
  )
  update ${of}.job as parent
  set pending_deps = greatest(parent.pending_deps ${count} counted.children, 0)
  from (select parent_queue, parent_id, count(*)::int as children from moved group by parent_queue, parent_id) as counted
  where parent.queue = counted.parent_queue and parent.id = counted.parent_id`

/** The lock of producers: a queue that is obliterated at the same time waits, or is gone when it is looked at. */
export const lockQueues = (sql: Sql, _: Found, queues: Fragment): Promise<unknown> => sql`
  select pg_advisory_xact_lock_shared(hashtext('bullmq:finalization'), key)
  from (select distinct hashtext(queue) as key from (${queues}) as named order by key offset 0) as keys`

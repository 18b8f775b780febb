import type { Requested } from '../../call.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import { refuseWhileFrozen } from '../../database/installation/freeze.ts'
import { type Fragment, type Pool, type Sql, staticFragment, type Transaction } from '../../database/sql.ts'
import { insertEvents } from '../events/job-events.ts'
import { cascadeOfFew, droppedEvents, failedEnds } from './dependents.ts'

/** How many ended jobs one batch begins with. */
const parentsAtOnce = 100
/** How long a batch waits for a row that another transaction has locked, in milliseconds. */
const lockTimeoutMs = 500

/**
 * CTEs that leave to the background what `cascadeOfFew`, whose CTEs they need, has not cancelled: `left_cascade` and `left_parents`.
 * Without more dependents they write nothing.
 */
export const leftToBackground = (sql: Sql, { requestId }: Pick<Requested, 'requestId'>): Fragment => sql`
  left_cascade as (
    insert into jobsctl_cascades (jobs, domain, queue, job_type, dependents, request_id)
    select
      coalesce(jsonb_agg(id) filter (where has_ended), '[]'), ${inCommon(sql)}, count(*) filter (where not has_ended), ${requestId}::text
    from (
      select job.id, job.domain, job.queue, job.job_type, true as has_ended
      from ended
      cross join lateral (select id, domain, queue, job_type from jobs where jobs.uuid = ended.uuid offset 0) as job
      where ended.status in ${failedEnds(sql)} and (select cut.more from cut)
      union all
      select id, domain, queue, job_type, false from dropped where (select cut.more from cut)
    ) as touched
    having count(*) > 0
    returning id
  ),
  ${leftParents(sql)}`

const inCommon = staticFragment(
  (sql) => sql`
  case when min(domain) = max(domain) then min(domain) end,
  case when min(queue) = max(queue) then min(queue) end,
  case when min(job_type) = max(job_type) then min(job_type) end`,
)

const leftParents = staticFragment(
  (sql) => sql`
  left_parents as (
    insert into jobsctl_cascade_parents (cascade_id, uuid)
    select left_cascade.id, parent.uuid
    from left_cascade
    cross join (
      select uuid from ended where status in ${failedEnds(sql)} union select uuid from few
    ) as parent
    where ${hasDependents(sql)}
  )`,
)

/** True for a row `parent (uuid)` that has an edge. */
const hasDependents = (sql: Sql): Fragment => sql`
  exists (select from job_dependencies edge where edge.depends_on_job_uuid = parent.uuid)`

/** True where dependents are left to the background. */
export async function hasLeftDependents(sql: Sql): Promise<boolean> {
  const [{ left }] = await sql<[{ left: boolean }]>`
    select exists (select from jobsctl_cascades where next_at <= now()) as left`
  return left
}

/**
 * Cancels up to 1,000 of the dependents that were left. A batch is one transaction, and several servers do none of them twice.
 * @returns the number of cancelled jobs; undefined where nothing is left, or other servers have it
 * @throws Failure `frozen`
 */
export const cancelLeftDependents = (sql: Pool): Promise<number | undefined> =>
  retryDeadlock(() => sql.begin(cancelBatch))

async function cancelBatch(tx: Transaction): Promise<number | undefined> {
  await refuseWhileFrozen(tx)
  const [cascade] = await tx<{ id: number; request_id: string | null }[]>`
    select id, request_id, set_config('lock_timeout', ${`${lockTimeoutMs}ms`}, true)
    from jobsctl_cascades
    where next_at <= now()
    order by next_at, id
    limit 1
    for update skip locked`
  if (!cascade) return undefined
  const { cancelled, cut } = await cancelSome(tx, cascade)
  // A trigger of another program may keep the jobs as they are.
  if (cut && cancelled === 0) await postpone(tx, cascade.id)
  if (!cut) await conclude(tx, cascade.id)
  return cancelled
}

/** Begins with the jobs that were cancelled last, so that few wait at a time. */
async function cancelSome(
  tx: Sql,
  { id, request_id }: { id: number; request_id: string | null },
): Promise<{ cancelled: number; cut: boolean }> {
  const [row] = await tx<[{ cancelled: number; cut: boolean }]>`
    with recursive
    picked as materialized (
      select uuid from jobsctl_cascade_parents where cascade_id = ${id}::bigint order by nth desc limit ${parentsAtOnce}
    ),
    -- The shared lock waits for a transaction that brings one of these jobs back. A job that runs again keeps its dependents.
    needed as materialized (
      select uuid, status from jobs where uuid = any(array(select uuid from picked)) order by id for share
    ),
    ended as materialized (select uuid, status from needed where status in ${failedEnds(tx)}),
    ${cascadeOfFew(tx)},
    events as (${insertEvents(tx, { requestId: request_id ?? '' }, droppedEvents(tx))}),
    added as (
      insert into jobsctl_cascade_parents (cascade_id, uuid)
      select ${id}::bigint, parent.uuid
      from (select distinct uuid from few) as parent
      where (select cut.more from cut) and ${hasDependents(tx)}
      on conflict do nothing
    ),
    done as (
      delete from jobsctl_cascade_parents
      where cascade_id = ${id}::bigint and uuid in (select uuid from picked) and not (select cut.more from cut)
    ),
    counted as (
      update jobsctl_cascades
      set dependents = dependents + (select count(*) from dropped),
        domain = case when not exists (select from dropped where dropped.domain is distinct from jobsctl_cascades.domain) then domain end,
        queue = case when not exists (select from dropped where dropped.queue is distinct from jobsctl_cascades.queue) then queue end,
        job_type = case
          when not exists (select from dropped where dropped.job_type is distinct from jobsctl_cascades.job_type) then job_type
        end
      where id = ${id}::bigint
    )
    select (select count(*) from dropped) as cancelled, cut.more as cut from cut`
  return row
}

const postpone = (tx: Sql, id: number) => tx`
  update jobsctl_cascades set next_at = now() + interval '1 minute' where id = ${id}::bigint`

/** Writes the event with the number of all dependents when the last of them is cancelled. */
const conclude = (tx: Sql, id: number) => tx`
  with gone as (
    delete from jobsctl_cascades
    where id = ${id}::bigint and not exists (select from jobsctl_cascade_parents where cascade_id = ${id}::bigint)
    returning jobs, domain, queue, job_type, dependents, request_id
  )
  insert into job_events (event_type, domain, queue, job_type, attrs_json, request_id)
  select
    'jobs.dependents_cancelled', domain, queue, job_type, jsonb_build_object('jobs', jobs, 'dependents', dependents), request_id
  from gone`

import type { TokenScope } from '../../../shared/access/token-scope.ts'
import { assumeManyRows, hasIdAmong } from '../../database/planner-hints.ts'
import { isElsewhere, isWithin } from '../../database/scope.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'

/** The states of an ended job whose dependents can never run, as a list for `in`. */
export const failedEnds = staticFragment((sql) => sql`('failed', 'cancelled', 'quarantined')`)

/**
 * What the job with the uuid `of` depends on, as the tables `without_snapshot, needed (uuid, status, domain, queue, job_type,
 * is_live)`, one row for each edge.
 *
 * The newer version of the other program keeps the edges of jobs that it deletes, with the last status of the deleted job
 * (`depends_on_terminal_status`). There the status of a job that is gone is this snapshot, and `missing` without one. In a database without
 * the column a job that is gone blocks nothing: it counts as `completed`. The name of the column means the column of `edge` where there is
 * one, and else the one of `without_snapshot`. So the same statement is right before and after the other program adds the column. Each
 * `offset 0` keeps the planner from joining all edges with all jobs.
 */
export const neededBy = (sql: Sql, of: Fragment): Fragment => sql`
  (select 'completed'::text as depends_on_terminal_status) as without_snapshot
  cross join lateral (
    select
      edge.depends_on_job_uuid as uuid, coalesce(live.status, depends_on_terminal_status, 'missing') as status,
      live.domain, live.queue, live.job_type, live.status is not null as is_live
    from job_dependencies edge
    left join lateral (
      select coalesce(job.status, 'unknown') as status, job.domain, job.queue, job.job_type
      from jobs as job
      where job.uuid = edge.depends_on_job_uuid
      offset 0
    ) as live on true
    where edge.job_uuid = ${of}
    offset 0
  ) as needed`

/** True for a row of `jobs` that depends on a job which is not completed. */
export const isBlocked = staticFragment((sql) => isBlockedWithin(sql, undefined))

/** `isBlocked` for a caller with a scope, to whom jobs outside do not exist. */
export const isBlockedWithin = (sql: Sql, within: TokenScope | undefined): Fragment => sql`
  exists (
    select from ${neededBy(sql, sql`jobs.uuid`)}
    where needed.status <> 'completed' ${isNeededWithin(sql, within)}
    offset 0
  )`

/**
 * `and …` on a row of `neededBy`: true for a job within the scope of the caller, live or archived. A job that is nowhere has no
 * domain: the edge belongs to a job of the caller, and tells only that it is gone.
 */
export const isNeededWithin = (sql: Sql, within: TokenScope | undefined): Fragment =>
  within
    ? sql`and case
        when needed.is_live then true ${isWithin(sql, within, sql`needed`)}
        else not exists (select from jobs_archive as gone where gone.uuid = needed.uuid)
          or exists (select from jobs_archive as gone where gone.uuid = needed.uuid ${isWithin(sql, within, sql`gone`)})
      end`
    : sql``

/** True for a row of `jobs` that depends on a job which will never be completed. */
export const canNeverRun = staticFragment(
  (sql) => sql`
  exists (
    select from ${neededBy(sql, sql`jobs.uuid`)}
    where needed.status in ${failedEnds(sql)}
    offset 0
  )`,
)

/**
 * The queued jobs that depend on the job with the uuid `of`, as `(uuid, domain, queue)`. The `offset 0` makes PostgreSQL
 * read them edge by edge, whatever number of rows the planner expects.
 */
export const dependentsOf = (sql: Sql, of: Fragment): Fragment => sql`
  lateral (
    select dependent.uuid, dependent.domain, dependent.queue
    from job_dependencies edge
    cross join lateral (select uuid, domain, queue, status from jobs where jobs.uuid = edge.job_uuid offset 0) as dependent
    where edge.depends_on_job_uuid = ${of} and dependent.status = 'queued'
    offset 0
  )`

/** The queues, as `(domain, queue)`, of the jobs that wait for jobs of the CTE `settled`, which it needs. */
export const queuesOfDependents = staticFragment(
  (sql) => sql`
  select dependent.domain, dependent.queue
  from settled
  cross join ${dependentsOf(sql, sql`settled.uuid`)} as dependent`,
)

/**
 * CTEs of a statement `with recursive` that cancel the queued jobs which depend, over any number of edges, on a job that
 * has ended badly.
 *
 * Needs `ended (uuid, status)`, which must name every job that the statement itself ends, since one statement can change a
 * row only once. Defines `doomed (uuid, reason)`, the dependents; `dropping (id, reason, before)`, their locked rows; and
 * `dropped`, which cancels them. With `image`, an expression over a row of `jobs`, `dropped` has its value before the change
 * as `before` and after the change as `after`; without, both are null.
 */
export const cascade = (sql: Sql, image?: Fragment): Fragment => (image ? cascadeWith(sql, image) : cascadeWithout(sql))

const cascadeWith = (sql: Sql, image: Fragment): Fragment => sql`
  ${doomed(sql)},
  ${locked(sql, sql`doomed`, image)},
  ${droppedRows(sql, image)}`

/** The most dependents that a statement cancels which reports a fact, such as the end of an attempt. */
const mostAtOnce = 1000

/**
 * The same for a statement that reports a fact, so that nobody has asked how many dependents there are: it cancels up to 1,000.
 * Defines `few`, the dependents that it takes, and `cut (more)`, one row: true where there are more.
 */
export const cascadeOfFew = staticFragment(
  (sql) => sql`
  ${doomed(sql)},
  -- A recursive query stops when nobody reads more of its rows.
  found as materialized (select uuid, reason from doomed limit ${sql.unsafe(String(mostAtOnce + 1))}),
  cut as materialized (select count(*) > ${sql.unsafe(String(mostAtOnce))} as more from found),
  few as materialized (select uuid, reason from found limit ${sql.unsafe(String(mostAtOnce))}),
  ${locked(sql, sql`few`, sql`null::jsonb`)},
  ${droppedRows(sql, sql`null::jsonb`)}`,
)

/** Needs the CTE `ended (uuid, status)`; defines `doomed (uuid, reason)`. */
const doomed = (sql: Sql): Fragment => sql`
  doomed (uuid, reason) as (
    select dependent.uuid, 'dependency_' || ended.status
    from ended
    cross join ${dependentsOf(sql, sql`ended.uuid`)} as dependent
    where ended.status in ${failedEnds(sql)}
      and not exists (select from ended other where other.uuid = dependent.uuid)
    union
    select dependent.uuid, 'dependency_cancelled'
    from doomed
    cross join ${dependentsOf(sql, sql`doomed.uuid`)} as dependent
    where not exists (select from ended where ended.uuid = dependent.uuid)
  )`

/** Needs a CTE `(uuid, reason)`; defines `dropping (id, reason, before)`. */
const locked = (sql: Sql, of: Fragment, image: Fragment): Fragment => sql`
  dropping as materialized (
    select job.id, last.reason, job.before
    from (select uuid, min(reason) as reason from ${of} group by uuid) as last
    cross join lateral (select id, status, ${image} as before from jobs where jobs.uuid = last.uuid offset 0 for update) as job
    cross join ${assumeManyRows(sql)}
    where job.status = 'queued'
  )`

/** Needs the CTE `dropping`; defines `dropped`. */
const droppedRows = (sql: Sql, image: Fragment): Fragment => sql`
  dropped as (
    update jobs
    set status = 'cancelled', cancelled_at = now(), cancellation_reason = dropping.reason, completed_at = null,
        leased_until = null, lease_id = null, worker_id = null
    from dropping
    where ${hasIdAmong(sql, sql`select id from dropping`)} and jobs.id = dropping.id
    returning jobs.id, jobs.uuid, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id,
      jobs.cancellation_reason, dropping.before, ${image} as after
  )`

const cascadeWithout = staticFragment((sql) => cascadeWith(sql, sql`null::jsonb`))

/**
 * Behind the columns of a query: `dependents_elsewhere`, how many jobs a CTE with the columns of `dropped` has changed outside of a
 * scope. Nothing without a scope.
 */
export const elsewhereColumn = (
  sql: Sql,
  cte: 'dropped' | 'revived' | 'updated',
  within: TokenScope | undefined,
): Fragment =>
  within ? sql`, (select count(*) from ${sql(cte)} where ${isElsewhere(sql, within)}) as dependents_elsewhere` : sql``

/** One `job.cancelled` event for each row of the CTE `dropped`, which it needs: the rows that `insertEvents` takes. */
export const droppedEvents = staticFragment(
  (sql) => sql`
  select id, domain, queue, job_type, owner_user_id, trace_id, 'job.cancelled' as event_type,
    jsonb_build_object('reason', cancellation_reason, 'terminal', true) as attrs
  from (select * from dropped order by id) as dropped`,
)

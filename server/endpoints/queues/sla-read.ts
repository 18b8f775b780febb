import type { BreachesRequest } from '../../../shared/queues/sla.ts'
import { hasSafeId } from '../../database/planner-hints.ts'
import { inScope, type Within } from '../../database/scope.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import { mostPolicies } from './sla-policies.ts'

/** The most running jobs that are read. Of queued jobs only those over their limit are read. */
export const mostRunning = 50_000

/** The last job of the page before. */
export interface Position {
  created_at: string | null
  id: string
}

/** A job over a limit of its group. Times are in seconds; null for a job without the times of which they are the difference. */
export interface JudgedJob {
  id: number
  domain: string
  queue: string
  job_type: string
  status: string
  created_at: string | null
  /** From its creation until now, or until a worker took it. */
  wait: number | null
  max_wait: number | null
  /** Since it was started. */
  run: number | null
  max_run: number | null
}

interface Bounds {
  policies: number
  running: number
}
type Row = Bounds & { [Name in keyof JudgedJob]: JudgedJob[Name] | null }

/**
 * The jobs over a limit after a place, one more than the limit of the page; one row without a job where there are none. The
 * queued jobs come from an index in the order of their creation, for each policy on its own.
 */
export const readBreaches = (sql: Sql, request: Within<BreachesRequest>, after: Position | undefined) => sql<Row[]>`
  with policies as materialized (
    select
      domain, queue, job_type,
      least(max_queue_latency_seconds, 2147483647)::bigint as max_wait,
      least(max_duration_seconds, 2147483647)::bigint as max_run
    from job_sla_policies
    where enabled ${inScope(sql, request)}
    limit ${mostPolicies + 1}
  ),
  running as materialized (${running(sql)}),
  page as (
    select *
    from (
      (${judged(sql, sql`(${waiting(sql, request, after)}) as job`)})
      union all
      select * from (${judged(sql, sql`running as job`)}) as judged where ${afterPosition(sql, after)}
    ) as judged
    where wait > max_wait or run > max_run
    order by ${ordered(sql)}
    limit ${request.limit + 1}
  )
  select bounds.*, page.*
  from (select (select count(*) from policies) as policies, (select count(*) from running) as running) as bounds
  left join page on true
  order by ${ordered(sql)}`

const ordered = staticFragment((sql) => sql`created_at asc nulls last, id`)

const columns = staticFragment((sql) => sql`id, domain, queue, job_type, status, created_at, acquired_at, started_at`)

const isInGroup = staticFragment(
  (sql) => sql`(jobs.domain, jobs.queue, jobs.job_type) = (policies.domain, policies.queue, policies.job_type)`,
)

/** The running jobs of groups with policies, by the index of live jobs. */
const running = staticFragment(
  (sql) => sql`
    select job.*, max_wait, max_run
    from policies
    cross join lateral (
      select ${columns(sql)}
      from jobs
      where status in ('queued', 'processing', 'quarantined') and ${isInGroup(sql)} and status = 'processing' and ${hasSafeId(sql)}
      limit ${sql.unsafe(String(mostRunning + 1))}
    ) as job
    limit ${sql.unsafe(String(mostRunning + 1))}`,
)

/** The queued jobs that wait longer than their limit, of each group as many as a page could need. */
const waiting = (sql: Sql, { limit }: BreachesRequest, after: Position | undefined): Fragment => sql`
  select job.*, max_wait, max_run
  from policies
  cross join lateral (
    select ${columns(sql)}
    from jobs
    where status = 'queued' and ${isInGroup(sql)} and ${hasSafeId(sql)}
      and created_at > '-infinity' and created_at < now() - policies.max_wait * interval '1 second'
      ${afterQueued(sql, after)}
    order by created_at, id
    limit ${limit + 1}
  ) as job`

/** No job without a time of creation is over a limit of waiting, so none comes after a place without one. */
const afterQueued = (sql: Sql, after: Position | undefined): Fragment => {
  if (!after) return sql``
  if (after.created_at === null) return sql`and false`
  return sql`and (created_at, id) > (${after.created_at}::text::timestamptz, ${after.id}::text::bigint)`
}

const afterPosition = (sql: Sql, after: Position | undefined): Fragment => {
  if (!after) return sql`true`
  if (after.created_at === null) return sql`created_at is null and id > ${after.id}::text::bigint`
  return sql`(
    created_at is null or (created_at, id) > (${after.created_at}::text::timestamptz, ${after.id}::text::bigint)
  )`
}

/** The jobs of the table expression `job` with what they have waited and run. */
const judged = (sql: Sql, job: Fragment): Fragment => sql`
  select
    id, domain, queue, job_type, status, created_at, max_wait, max_run,
    case
      when status = 'queued' then ${secondsBetween(sql, sql`created_at`, sql`now()`)}
      when acquired_at is null then 0
      else ${secondsBetween(sql, sql`created_at`, sql`acquired_at`)}
    end as wait,
    case
      when status = 'processing' then ${secondsBetween(sql, sql`coalesce(started_at, acquired_at)`, sql`now()`)}
    end as run
  from ${job}`

/** Null where one of the two times is null or infinite. */
const secondsBetween = (sql: Sql, from: Fragment, to: Fragment): Fragment => sql`
  case when isfinite(${from}) and isfinite(${to}) then extract(epoch from ${to} - ${from})::float8 end`

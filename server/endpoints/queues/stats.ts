import type { z } from 'zod'
import type { stats as endpoint, GroupStats } from '../../../shared/queues/stats.ts'
import type { Call } from '../../call.ts'
import { cellSums, countedCells, nearFutureEnd, trustCondition } from '../../counts/trust.ts'
import { inScope, type Narrowed } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { staticFragment } from '../../database/static-fragment.ts'

type Asked = z.output<typeof endpoint.input>

interface StatsCall {
  sql: Sql
  within?: Call['within']
}

/** Counts of live jobs by group: from the counts that triggers keep where these can be trusted, else from the jobs. */
export async function stats({ sql, within }: StatsCall, asked: Asked): Promise<GroupStats[]> {
  const scope = { ...asked, within }
  const rows = await statsFromCounts(sql, scope)
  return rows.every(isValid) ? rows : statsFromJobs(sql, scope)
}

interface CountedGroup extends GroupStats {
  trusted: boolean
}

const isValid = ({ trusted, queued, scheduled, processing, quarantined }: CountedGroup) =>
  trusted && Math.min(queued, scheduled, processing, quarantined) >= 0

/**
 * Jobs that are scheduled for later are kept by the minute, the hour and the day; jobs that are due within two minutes are
 * counted in their index. Groups and counts are merged by sorting, because a join whose plan was made while there were few
 * groups would compare each row with each. The names are sorted once, by their bytes, which is the order of the response.
 */
const statsFromCounts = (sql: Sql, scope: Narrowed) => sql<CountedGroup[]>`
  with recursive
  trust as materialized (${trustCondition(sql)}),
  ${groups(sql, scope)},
  counted as (
    select domain, queue, job_type, ${cellSums(sql)}
    from (
      select
        domain collate "C" as domain, queue collate "C" as queue, job_type collate "C" as job_type, '' as span,
        0 as queued, 0 as processing, 0 as quarantined, true as has_jobs
      from groups
      where true ${inScope(sql, scope)}
      union all
      select domain, queue, job_type, span, queued, processing, quarantined, false
      from (${countedCells(sql)}) as cells
      where true ${inScope(sql, scope)}
    ) as groups_and_cells
    group by domain, queue, job_type
    having bool_or(has_jobs)
  )
  select
    domain, queue, job_type, trusted,
    queued - later - soon as queued,
    later + soon as scheduled,
    processing,
    quarantined
  from trust
  cross join counted
  cross join lateral (
    select count(*) as soon
    from jobs
    where status in ('queued', 'processing', 'quarantined')
      -- The collation of the names in jobs, because their index is in that order.
      and domain = counted.domain collate "default"
      and queue = counted.queue collate "default"
      and job_type = counted.job_type collate "default"
      and status = 'queued' and available_at > now() and available_at < ${nearFutureEnd(sql)}
      and counted.queued > counted.later
  ) as near
  order by domain, queue, job_type`

/** Counts the live jobs in their partial index, which takes longer the more there are. */
export const statsFromJobs = (sql: Sql, scope: Narrowed) => sql<GroupStats[]>`
  with recursive ${groups(sql, scope)},
  live as (
    select
      domain, queue, job_type,
      count(*) filter (where status = 'queued' and (available_at is null or available_at <= now())) as queued,
      count(*) filter (where status = 'queued' and available_at > now()) as scheduled,
      count(*) filter (where status = 'processing') as processing,
      count(*) filter (where status = 'quarantined') as quarantined
    from jobs
    where status in ('queued', 'processing', 'quarantined') ${inScope(sql, scope)}
    group by domain, queue, job_type
  )
  select
    domain, queue, job_type,
    coalesce(queued, 0) as queued,
    coalesce(scheduled, 0) as scheduled,
    coalesce(processing, 0) as processing,
    coalesce(quarantined, 0) as quarantined
  from groups
  left join live using (domain, queue, job_type)
  where true ${inScope(sql, scope)}
  ${ordered(sql)}`

/**
 * Defines the CTE `groups (domain, queue, job_type)` of a statement `with recursive`: all groups that have jobs, also those
 * with finished jobs only. It reads one index entry for each group (a loose index scan of the idempotency index), also outside of
 * the scope of the caller, which the statement leaves out.
 */
function groups(sql: Sql, { domain }: Narrowed): Fragment {
  const inDomain = inScope(sql, { domain })
  // With a domain the comparison leaves it out; otherwise each step would read the index from the first job of the domain.
  const after = domain
    ? sql`(queue, job_type) > (groups.queue, groups.job_type)`
    : sql`(domain, queue, job_type) > (groups.domain, groups.queue, groups.job_type)`
  return sql`groups as (
    (
      select domain, queue, job_type
      from jobs
      where true ${inDomain}
      order by domain, queue, job_type
      limit 1
    )
    union all
    select next.*
    from groups
    cross join lateral (
      select domain, queue, job_type
      from jobs
      where ${after} ${inDomain}
      order by domain, queue, job_type
      limit 1
    ) next
  )`
}

const ordered = staticFragment((sql) => sql`order by domain collate "C", queue collate "C", job_type collate "C"`)

import type { z } from 'zod'
import type { GroupStats, stats as operation } from '../../../shared/queues/stats.ts'
import type { Call } from '../../call.ts'
import { countedGroups, nearFutureEnd, trustCondition } from '../../counts/trust.ts'
import { inScope } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { staticFragment } from '../../database/static-fragment.ts'

type Scope = z.output<typeof operation.input>

/** Counts by group: those that triggers keep, where they can be trusted, and else the jobs themselves. */
export async function stats({ sql }: Call, scope: Scope): Promise<GroupStats[]> {
  const rows = await kept(sql, scope)
  return rows.every(isSound) ? rows : plain(sql, scope)
}

interface Kept extends GroupStats {
  trusted: boolean
}

const isSound = ({ trusted, queued, scheduled, processing, quarantined }: Kept) =>
  trusted && Math.min(queued, scheduled, processing, quarantined) >= 0

/**
 * What is queued until later is kept by the minute, the hour and the day; what is due in a moment is counted. Groups and
 * counts are put together by sorting, since a plan that was made while there were few would compare each with each.
 */
const kept = (sql: Sql, scope: Scope) => sql<Kept[]>`
  with recursive
  trust as materialized (${trustCondition(sql)}),
  ${groups(sql, scope)},
  counted as (
    select
      domain, queue, job_type, sum(queued)::bigint as queued, sum(later)::bigint as later,
      sum(processing)::bigint as processing, sum(quarantined)::bigint as quarantined
    from (
      select domain, queue, job_type, 0 as queued, 0 as later, 0 as processing, 0 as quarantined, true as there from groups
      union all
      -- By the rules of the jobs' own names again: their index is in that order.
      select
        domain collate "default", queue collate "default", job_type collate "default",
        queued, later, processing, quarantined, false
      from (${countedGroups(sql, inScope(sql, scope))}) as counted
    ) as either
    group by domain, queue, job_type
    having bool_or(there)
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
      and (domain, queue, job_type) = (counted.domain, counted.queue, counted.job_type)
      and status = 'queued' and available_at > now() and available_at < ${nearFutureEnd(sql)} and counted.queued > 0
  ) as near
  where true ${inScope(sql, scope)}
  ${ordered(sql)}`

/** Live jobs are counted in their partial index. */
const plain = (sql: Sql, scope: Scope) => sql<GroupStats[]>`
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

/** All groups, also those with finished jobs alone, by hopping from one to the next in the idempotency index. */
function groups(sql: Sql, { domain }: Scope): Fragment {
  const inDomain = inScope(sql, { domain })
  // With the domain given it is no part of the comparison: the index would be read from its first job on, hop by hop.
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

import type { z } from 'zod'
import type { GroupStats, stats as operation } from '../../shared/stats.ts'
import type { Call } from './call.ts'
import { inScope } from './scope.ts'

/**
 * Counts by group. Live jobs are counted in their partial index; the groups, which also hold those
 * that have finished jobs alone, are found by hopping from one to the next in the idempotency index.
 */
export async function stats({ sql }: Call, scope: z.output<typeof operation.input>): Promise<GroupStats[]> {
  const inDomain = inScope(sql, { domain: scope.domain })
  return sql<GroupStats[]>`
    with recursive groups as (
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
        where (domain, queue, job_type) > (groups.domain, groups.queue, groups.job_type) ${inDomain}
        order by domain, queue, job_type
        limit 1
      ) next
    ),
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
    order by domain collate "C", queue collate "C", job_type collate "C"`
}

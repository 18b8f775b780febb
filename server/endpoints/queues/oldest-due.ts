import type { GroupStats } from '../../../shared/queues/stats.ts'
import type { Sql } from '../../database/sql.ts'
import { groupKey } from './group-key.ts'

interface Row {
  key: string
  since: string | null
}

/**
 * Since when the job of each group that has waited longest could run, by the group as a JSON array. Two indexes are asked for
 * their first entries: the jobs with a time of their own by that time, and the oldest 20 of all, among which are those that
 * may run at any time. So the cost depends on the number of groups alone; a job without a time behind 20 older ones that are
 * not due is missed.
 */
export async function oldestDue(tx: Sql, counts: readonly GroupStats[]): Promise<Map<string, string>> {
  const waiting = counts.filter(({ queued }) => queued > 0)
  if (waiting.length === 0) return new Map()
  const rows = await tx<Row[]>`
    select
      item.key,
      least(timed.since, oldest.since) as since
    from rows from (
      unnest(${waiting.map(groupKey)}::text[]),
      unnest(${waiting.map(({ domain }) => domain)}::text[]),
      unnest(${waiting.map(({ queue }) => queue)}::text[]),
      unnest(${waiting.map(({ job_type }) => job_type)}::text[])
    ) as item (key, domain, queue, job_type)
    left join lateral (
      select available_at as since
      from jobs
      where status in ('queued', 'processing', 'quarantined')
        and (domain, queue, job_type) = (item.domain, item.queue, item.job_type)
        and status = 'queued' and available_at > '-infinity' and available_at <= now()
      order by available_at
      limit 1
    ) as timed on true
    left join lateral (
      select min(coalesce(available_at, created_at)) as since
      from (
        select available_at, created_at
        from jobs
        where status = 'queued' and (domain, queue, job_type) = (item.domain, item.queue, item.job_type)
        order by created_at, id
        limit 20
      ) as first
      where (available_at is null or available_at <= now())
        and isfinite(coalesce(available_at, created_at)) and coalesce(available_at, created_at) <= now()
    ) as oldest on true`
  return new Map(rows.flatMap(({ key, since }) => (since === null ? [] : [[key, since] as const])))
}

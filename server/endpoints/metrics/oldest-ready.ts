import type { GroupStats } from '../../../shared/queues/stats.ts'
import { preferIndexOrder } from '../../database/planner-hints.ts'
import { limitScrapeTime } from '../../database/read-timeout.ts'
import type { Pool, Sql } from '../../database/sql.ts'
import { priorities } from '../../lifecycle/due.ts'
import { groupKey } from '../queues/group-key.ts'
import { oldestDue } from '../queues/oldest-due.ts'
import { unlessOverdue } from './unless-overdue.ts'

/** For how many seconds the oldest job of a queue has been waiting that could run. */
export interface ReadyAge {
  domain: string
  queue: string
  age: number
}

/**
 * The ages of the queues of `groups`; none for a queue where no job waits. It reads one entry of the index of acquire for each queue and
 * priority, however many jobs there are.
 */
export async function readOldestReady(sql: Sql, groups: readonly GroupStats[]): Promise<readonly ReadyAge[]> {
  const waiting = groups.filter(({ queued }) => queued > 0)
  if (waiting.length === 0) return []
  return sql<ReadyAge[]>`
    select item.domain, item.queue, extract(epoch from now() - min(oldest.due))::float8 as age
    from (
      select distinct domain, queue
      from rows from (
        unnest(${waiting.map(({ domain }) => domain)}::text[]),
        unnest(${waiting.map(({ queue }) => queue)}::text[])
      ) as of_group (domain, queue)
    ) as item
    cross join ${priorities(sql)}
    cross join lateral (
      select coalesce(available_at, created_at) as due
      from jobs
      where (status = 'queued') is true and jobs.domain || chr(31) || jobs.queue = item.domain || chr(31) || item.queue
        and coalesce(jobs.priority, 11) = tier.priority
        and coalesce(available_at, created_at) > '-infinity' and coalesce(available_at, created_at) <= now()
      order by coalesce(available_at, created_at)
      limit 1
    ) as oldest
    group by item.domain, item.queue`
}

/**
 * The same for a caller that is limited to job types, of whose groups these are: the oldest job of a queue may have another type. It is
 * read by group, which takes longer. Undefined where it takes longer than the limit of a scrape.
 */
export const readOldestReadyOfTypes = (
  sql: Pool,
  groups: readonly GroupStats[],
): Promise<readonly ReadyAge[] | undefined> =>
  sql
    .begin('isolation level repeatable read read only', async (tx) => {
      const [{ now }] = await tx<[{ now: string }]>`
        select now() as now, ${limitScrapeTime(tx)}, ${preferIndexOrder(tx)}`
      const since = await oldestDue(tx, groups)
      return groups.map((group) => {
        const age = (Date.parse(now) - Date.parse(since.get(groupKey(group)) ?? now)) / 1000
        // A time before the year 1 is no time of JavaScript.
        return { domain: group.domain, queue: group.queue, age: Math.max(age || 0, 0) }
      })
    })
    .catch(unlessOverdue)

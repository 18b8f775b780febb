import type { GroupStats } from '../../../shared/queues/stats.ts'
import { preferIndexOrder } from '../../database/planner-hints.ts'
import type { Pool, Sql } from '../../database/sql.ts'
import { limitScrapeTime, unlessOverdue } from '../../database/timeouts.ts'
import type { OldestDue } from '../../engines/adapter.ts'
import { isBlocked } from '../../lifecycle/dependents/dependents.ts'
import { priorities, type Queue } from '../../lifecycle/lease/due.ts'
import { queueKey } from '../../waiting/long-poll.ts'
import { groupKey } from '../queues/fold-groups.ts'
import { dueInOrder, oldestDue, readOldestOf } from '../queues/oldest-due.ts'
import type { KnownGroups } from './known-groups.ts'

/** For how many seconds the oldest job of a queue has been waiting that could run. */
export interface ReadyAge extends Queue {
  age: number
}

/** The most queues without series of their own that are looked at: they share one. */
const mostOthers = 1000
/** The most jobs of a queue and a priority that are passed over because they wait for other jobs. */
const mostBlocked = 20
/** For how long a look that took too long is not made again. */
const pauseMs = 60_000

/** The looks at the queues, which pause after one that took too long: a statement that is stopped takes as long as its limit. */
export interface OldestReady {
  /** Undefined while it pauses. */
  read: (
    sql: Sql,
    groups: readonly GroupStats[],
    known: Pick<KnownGroups, 'hasQueue'>,
  ) => Promise<readonly ReadyAge[] | undefined>
  /** Begins the pause. */
  tookTooLong: () => void
}

export function createOldestReady(): OldestReady {
  let pausedUntil = Number.NEGATIVE_INFINITY
  return {
    read: async (sql, groups, known) =>
      performance.now() < pausedUntil ? undefined : readOldestReady(sql, queuesToRead(groups, known)),
    tookTooLong() {
      pausedUntil = performance.now() + pauseMs
    },
  }
}

/** The queues where jobs wait: those that have series of their own, and as many of the others as are looked at. */
export function queuesToRead(groups: readonly GroupStats[], known: Pick<KnownGroups, 'hasQueue'>): readonly Queue[] {
  const waiting = groups.filter(({ queued }) => queued > 0)
  const queues = [
    ...new Map(waiting.map(({ domain, queue }) => [queueKey({ domain, queue }), { domain, queue }])).values(),
  ]
  const others = queues.filter((queue) => !known.hasQueue(queue))
  return [...queues.filter(known.hasQueue), ...others.slice(0, mostOthers)]
}

/**
 * The ages of `queues`, each of which is named once; none for a queue where no job waits. It reads one entry of the index of acquire for each
 * queue and priority, however many jobs there are, and more only where the oldest job waits for another one. Behind 20 of these the age is
 * that of the 20th, since the next one is at most as old.
 */
export async function readOldestReady(sql: Sql, queues: readonly Queue[]): Promise<readonly ReadyAge[]> {
  if (queues.length === 0) return []
  const oldest = await readOldestOf(sql, queues)
  if (oldest) {
    const [{ now }] = await sql<[{ now: string }]>`select now() as now`
    return agesOf(queues, { oldest, now })
  }
  return sql<ReadyAge[]>`
    select item.domain, item.queue, coalesce(extract(epoch from now() - min(
      case when ${isBlocked(sql)} then coalesce(
        (
          select due from (${dueInOrder(sql)} limit ${sql.unsafe(String(mostBlocked))}) as jobs
          where not ${isBlocked(sql)}
          order by due
          limit 1
        ),
        (select due from (${dueInOrder(sql)} offset ${sql.unsafe(String(mostBlocked - 1))} limit 1) as next)
      ) else jobs.due end
    )), 0)::float8 as age
    from rows from (
      unnest(${queues.map(({ domain }) => domain)}::text[]),
      unnest(${queues.map(({ queue }) => queue)}::text[])
    ) as item (domain, queue)
    cross join ${priorities(sql)}
    cross join lateral (${dueInOrder(sql)} limit 1) as jobs
    group by item.domain, item.queue`
}

/** The age of the oldest job of each queue: 0 where no job could run. */
function agesOf(
  queues: readonly Queue[],
  { oldest, now }: { oldest: readonly OldestDue[]; now: string },
): readonly ReadyAge[] {
  const since = new Map(oldest.map((row) => [queueKey(row), Date.parse(row.since)]))
  return queues.map(({ domain, queue }) => {
    const began = since.get(queueKey({ domain, queue })) ?? Number.POSITIVE_INFINITY
    return { domain, queue, age: Math.max(0, (Date.parse(now) - began) / 1000) }
  })
}

/**
 * The same for a caller that is limited to job types, of whose groups these are. The oldest job of a queue may have another type, and no
 * index has the jobs of a type in the order in which they are due. It is read by group, which takes longer, counts jobs that wait for other
 * jobs, and misses what `oldestDue` misses. Undefined where it takes longer than the limit of a scrape.
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

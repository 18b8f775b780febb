import type { Narrowed } from '../../../database/scope.ts'
import type { Fragment, Sql } from '../../../database/sql.ts'
import { servedBy } from '../../../engines/served.ts'
import { queueKey } from '../../../waiting/long-poll.ts'
import type { InputOf } from '../../handlers.ts'
import { sinceOldestOfQueue } from '../oldest-due.ts'
import { type DueGroup, readOwnGroups, type StatsCall, statsWithOldest, withOldest } from '../stats.ts'

/** What a queue has in all groups that a caller may see, and since when the job waits there that has waited longest; null where none waits. */
export interface QueueCounts extends Omit<DueGroup, 'job_type'> {
  job_types: number
  /** The first of them, without blank names. */
  types: string[]
}

/** The most job types of a queue that are named. */
const mostTypes = 20

/**
 * The counts of stats by queue. Own jobs are summed up by PostgreSQL, which sends a row a queue in place of one a group. Their oldest job is that of
 * the queue, which takes fewer look-ups than that of each group. A caller that is limited to job types has the oldest of its groups: no index
 * has the jobs of a type in the order in which they are due.
 */
export async function readQueueCounts(
  call: StatsCall,
  asked: Omit<InputOf<'stats'>, 'job_type'>,
): Promise<readonly QueueCounts[]> {
  const { sql, within } = call
  if (servedBy(sql).mode !== 'own') return queuesOf(await statsWithOldest(call, asked))
  const scope = { ...asked, within }
  return readOwnGroups(sql, scope, (groups) => ownQueues(sql, scope, groups))
}

/** The names have the collation of the indexes of jobs, in which the oldest job is looked up. */
function ownQueues(sql: Sql, { within }: Narrowed, groups: Fragment) {
  const isByGroup = within !== undefined && within.job_types.length > 0
  return sql<(QueueCounts & { valid: boolean; listed: boolean })[]>`
    select
      domain, queue, job_types, to_jsonb(types) as types, queued, scheduled, processing, quarantined, valid, listed,
      ${isByGroup ? sql`oldest_due` : sql`case when queued > 0 then ${sinceOldestOfQueue(sql)} end as oldest_due`}
    from (
      select
        domain collate "default" as domain, queue collate "default" as queue, count(*) as job_types,
        coalesce((array_agg(job_type order by job_type collate "C") filter (where job_type <> ''))[:${sql.unsafe(String(mostTypes))}], '{}') as types,
        sum(queued)::bigint as queued, sum(scheduled)::bigint as scheduled, sum(processing)::bigint as processing,
        sum(quarantined)::bigint as quarantined, bool_and(valid) as valid, bool_and(listed) as listed
        ${isByGroup ? sql`, min(oldest_due) as oldest_due` : sql``}
      from (${isByGroup ? withOldest(sql, groups) : groups}) as groups
      group by domain, queue
    ) as item
    order by domain collate "C", queue collate "C"`
}

/** The groups of other engines by their queues. */
function queuesOf(groups: readonly DueGroup[]): QueueCounts[] {
  const queues = new Map<string, QueueCounts>()
  for (const { job_type, ...group } of groups) {
    const key = queueKey(group)
    const known = queues.get(key)
    if (known) addGroup(known, group)
    const queue = known ?? { ...group, job_types: 0, types: [] }
    queues.set(key, queue)
    queue.job_types += 1
    if (job_type !== '' && queue.types.length < mostTypes) queue.types.push(job_type)
  }
  return [...queues.values()]
}

function addGroup(sum: QueueCounts, group: Omit<DueGroup, 'job_type'>): void {
  for (const name of ['queued', 'scheduled', 'processing', 'quarantined'] as const) sum[name] += group[name]
  for (const name of ['failed', 'unmapped'] as const)
    if (group[name] !== undefined) sum[name] = (sum[name] ?? 0) + group[name]
  const [since, before] = [group.oldest_due, sum.oldest_due]
  // The groups of a queue may share the oldest job.
  if (since === null || since === before) return
  if (before === null || Date.parse(since) < Date.parse(before)) sum.oldest_due = since
}

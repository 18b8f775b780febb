import type { GroupStats } from '../../../shared/queues/stats.ts'
import type { Narrowed } from '../../database/scope.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import type { OldestDue, WaitingGroup } from '../adapter.ts'
import type { Found } from '../found.ts'
import { readGroupsBy, readOldestBy } from '../parts/in-places.ts'
import { quotedText } from '../parts/sql-text.ts'
import { queuesOf } from './find.ts'
import { dueOf } from './projection.ts'

/** The states of live jobs. Each has a partial index of its own. */
const live = ['waiting', 'delayed', 'waiting-children', 'active']

/**
 * Counts of live and failed jobs of every group that has any. The type of the last completed job of a queue
 * is a group, too, with zeros where no other job has it.
 * @returns rows in the order of the answer: by the bytes of their names
 */
export const readGroups = (sql: Sql, found: readonly Found[], scope: Narrowed): Promise<GroupStats[]> =>
  readGroupsBy(sql, found, scope, (place) => groupsOf(sql, place, scope))

/** A query of the columns of `GroupStats` for one schema. */
function groupsOf(sql: Sql, { schema, domain }: Found, { queue }: Narrowed): Fragment {
  const of = sql.unsafe(schema)
  const inQueue = queue === undefined ? sql`` : sql`and j.queue = ${queue}::text`
  const constant = sql.unsafe(`${quotedText(domain)}::text`)
  const later = sql`j.process_at_ms > extract(epoch from now()) * 1000`
  const counts = sql`
    j.queue, j.name, j.state::text as state, count(*) as jobs,
    count(*) filter (where j.state = 'waiting-children' or j.state = 'delayed' and ${later}) as waiting`
  return sql`
    select ${constant} as domain, counted.queue, counted.name as job_type, ${sums(sql)}
    from (
      select ${counts}
      from ${of}.job as j
      where (${sql.unsafe(live.map((state) => `j.state = '${state}'`).join(' or '))}) ${inQueue}
      group by j.queue, j.name, j.state
      union all
      -- The index of ended jobs begins with the queue.
      select ${counts}
      from ${of}.job as j
      where j.queue = any(array(${queuesOf(sql, schema)})) and j.state = 'failed' ${inQueue}
      group by j.queue, j.name, j.state
      union all
      select q.queue, ended.name, 'completed', 0, 0
      from (${queuesOf(sql, schema)}) as q
      cross join lateral (
        select j.name
        from ${of}.job as j
        where j.queue = q.queue and j.state = 'completed' ${inQueue}
        order by j.finished_at_ms desc
        limit 1
      ) as ended
    ) as counted
    group by counted.queue, counted.name`
}

/** The counts of a group from rows `(state, jobs, waiting)`. BullMQ has no quarantine. A parent that waits for its children is scheduled. */
const sums = staticFragment(
  (sql) => sql`
  coalesce(sum(jobs - waiting) filter (where state in ('waiting', 'delayed')), 0)::bigint as queued,
  coalesce(sum(waiting), 0)::bigint as scheduled,
  coalesce(sum(jobs) filter (where state = 'active'), 0)::bigint as processing,
  0::bigint as quarantined,
  coalesce(sum(jobs) filter (where state = 'failed'), 0)::bigint as failed`,
)

/**
 * Since when the job of each group that has waited longest could run. No index of BullMQ is in the order of this time, so that all jobs
 * that wait in these queues are read.
 * @param groups without a job type, jobs of any type count
 */
export const readOldestDue = (
  sql: Sql,
  found: readonly Found[],
  groups: readonly WaitingGroup[],
): Promise<OldestDue[]> => readOldestBy(found, groups, (place, waiting) => readOldestIn(sql, place, waiting))

function readOldestIn(sql: Sql, { schema }: Found, waiting: readonly WaitingGroup[]) {
  const of = sql.unsafe(schema)
  return sql<OldestDue[]>`
    with due as materialized (
      select j.queue, j.name, min(${sql.unsafe(dueOf)}) as since
      from ${of}.job as j
      where j.queue = any(${waiting.map(({ queue }) => queue)}::text[]) and j.state = 'waiting'
      group by j.queue, j.name
      union all
      select j.queue, j.name, min(${sql.unsafe(dueOf)})
      from ${of}.job as j
      where j.queue = any(${waiting.map(({ queue }) => queue)}::text[]) and j.state = 'delayed'
        and j.process_at_ms <= extract(epoch from now()) * 1000
      group by j.queue, j.name
    )
    select *
    from (
      select item.domain, item.queue, item.job_type, (
        select min(due.since)
        from due
        where due.queue = item.queue and (item.job_type is null or item.job_type = due.name)
      ) as since
      from rows from (
        unnest(${waiting.map((group) => group.domain)}::text[]),
        unnest(${waiting.map(({ queue }) => queue)}::text[]),
        unnest(${waiting.map(({ job_type = null }) => job_type)}::text[])
      ) as item (domain, queue, job_type)
    ) as oldest
    where since is not null`
}

import type { GroupStats } from '../../../shared/queues/stats.ts'
import type { Narrowed } from '../../database/scope.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import type { OldestDue, WaitingGroup } from '../adapter.ts'
import type { Found } from '../found.ts'
import { readGroupsBy, readOldestBy } from '../parts/in-places.ts'
import { quotedText } from '../parts/sql-text.ts'
import { queueNamed } from './projection.ts'

/**
 * Counts of the jobs of every group that has a job, in one pass over the table: it has the jobs that wait, run or are dead, and no index has
 * all of them.
 * @returns rows in the order of the answer: by the bytes of their names
 */
export const readGroups = (sql: Sql, found: readonly Found[], scope: Narrowed): Promise<GroupStats[]> =>
  readGroupsBy(sql, found, scope, (place) => groupsOf(sql, place))

/** A query of the columns of `GroupStats` for one schema. */
const groupsOf = (sql: Sql, { schema, domain }: Found): Fragment => sql`
  select
    ${sql.unsafe(`${quotedText(domain)}::text`)} as domain,
    case when q.queue_name is null then '_' when q.queue_name ~ '^_+$' then q.queue_name || '_' else q.queue_name end as queue,
    coalesce(t.identifier, '') as job_type,
    sum(queued)::bigint as queued, sum(scheduled)::bigint as scheduled, sum(processing)::bigint as processing,
    0::bigint as quarantined, sum(failed)::bigint as failed
  from (
    select
      job_queue_id, task_id,
      count(*) filter (where is_available and run_at <= now()) as queued,
      count(*) filter (where is_available and run_at > now()) as scheduled,
      count(*) filter (where locked_at is not null) as processing,
      count(*) filter (where not is_available and locked_at is null) as failed
    from ${sql.unsafe(schema)}._private_jobs
    group by job_queue_id, task_id
  ) as counted
  left join ${sql.unsafe(schema)}._private_job_queues as q on q.id = counted.job_queue_id
  left join ${sql.unsafe(schema)}._private_tasks as t on t.id = counted.task_id
  -- Rows whose queue or task was deleted have no name, and are one group.
  group by 1, 2, 3`

/** A queue whose running job keeps its others waiting has jobs that are due, and so an age. */
const due = staticFragment((sql) => sql`is_available = true and run_at > '-infinity' and run_at <= now()`)

/** Since when the job of each group that has waited longest could run, in one pass over the index of workers. */
export const readOldestDue = (
  sql: Sql,
  found: readonly Found[],
  groups: readonly WaitingGroup[],
): Promise<OldestDue[]> => readOldestBy(found, groups, (place, waiting) => readOldestIn(sql, place, waiting))

async function readOldestIn(sql: Sql, place: Found, groups: readonly WaitingGroup[]): Promise<OldestDue[]> {
  const oldest = new Map<string, string>()
  for (const { queue_name, job_type, since } of await readDue(sql, place)) {
    const queue = queueNamed(queue_name)
    for (const key of [JSON.stringify([queue]), JSON.stringify([queue, job_type])]) {
      const known = oldest.get(key)
      if (known === undefined || Date.parse(since) < Date.parse(known)) oldest.set(key, since)
    }
  }
  return groups.flatMap(({ domain, queue, job_type = null }) => {
    const since = oldest.get(JSON.stringify(job_type ? [queue, job_type] : [queue]))
    return since === undefined ? [] : [{ domain, queue, job_type, since }]
  })
}

const readDue = (sql: Sql, { schema }: Found) => sql<{ queue_name: string | null; job_type: string; since: string }[]>`
  select q.queue_name, coalesce(t.identifier, '') as job_type, since
  from (
    select job_queue_id, task_id, min(run_at) as since
    from ${sql.unsafe(schema)}._private_jobs
    where ${due(sql)}
    group by job_queue_id, task_id
  ) as oldest
  left join ${sql.unsafe(schema)}._private_job_queues as q on q.id = oldest.job_queue_id
  left join ${sql.unsafe(schema)}._private_tasks as t on t.id = oldest.task_id`

import { mostOfWorkers } from '../../../shared/queues/most-of-workers.ts'
import type { GroupStats } from '../../../shared/queues/stats.ts'
import { keyParts } from '../../../shared/work/job-key.ts'
import { inQueueScope, inScope, type Narrowed } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type {
  EngineJob,
  EngineQueue,
  OldestDue,
  OrderedSlice,
  QueueLine,
  SeenWorker,
  WaitingGroup,
  WorkerSigns,
} from '../adapter.ts'
import { quotedText } from '../parts/sql-text.ts'
import { endedColumn, isEndIndexed } from './ended-column.ts'
import { hasKey } from './key.ts'
import { projectionOf } from './projection.ts'
import { hasState, statusOf } from './states.ts'
import { columnOf, countRows, type Mapped } from './table.ts'
import { nameOf } from './values.ts'

/** The most jobs that are counted. */
const mostCounted = 10_000

/** The most rows of a table that are read for the jobs that ended lately, where no index has the time of the end. */
const mostWithoutIndex = 100_000

const due = 'coalesce(jobs.available_at, jobs.created_at)'

/** What a list reads: sorted as PostgreSQL finds it best, by an index of the time where there is one. */
export function orderedJobs(mapped: Mapped, sql: Sql, slice: OrderedSlice): Fragment {
  const { time, direction, where, states, scope, most, sample } = slice
  const from = sample === undefined ? sql`from jobs` : sql`from ${sql.unsafe(projectionOf(mapped, sample))} as jobs`
  const key = time === 'created' ? sql`jobs.created_at` : sql`jobs.native_ended`
  const order = sql.unsafe(direction)
  return sql`(
    select jobs.*
    ${from}
    where ${where} ${inScope(sql, scope)} ${states.length === 0 ? sql`` : sql`and ${hasState(mapped, sql, states)}`}
    order by ${key} ${order}, jobs.id ${order}
    ${sql.unsafe(`limit ${most + 1}`)}
  )`
}

/**
 * Counts of all groups that have a job. The whole table is read. Its rows are grouped by columns of the table alone, since a constant in the key of a
 * group and the comparisons that tell a state would take longer than to read the rows.
 */
export async function readGroups(mapped: Mapped, sql: Sql, scope: Narrowed): Promise<GroupStats[]> {
  const { queue, job_type = '', status } = mapped.map
  const names = Object.entries({ queue, job_type })
  const constants = names.flatMap(([name, value]) =>
    typeof value === 'string' ? [`${nameOf(mapped.table, value)} as ${name}`] : [],
  )
  const varying = names.flatMap(([name, value]) => (typeof value === 'string' ? [] : [`jobs.${name}`]))
  const hasColumn = 'column' in status
  const key = [...varying, `jobs.${hasColumn ? 'native_1' : 'status'}`].join(', ')
  const row = sql.unsafe(hasColumn ? columnOf(mapped.table, status.column).quoted : 'status')
  const rows = await sql<(GroupStats & { unmapped: number })[]>`
    with counted as (
      select
        ${sql.unsafe([...constants, `${key} as native`].join(', '))},
        count(*) as jobs, count(*) filter (where jobs.available_at > now()) as later
      from jobs
      where true ${inScope(sql, scope)}
      group by ${sql.unsafe(key)}
    )
    select
      ${sql.unsafe(quotedText(mapped.domain))}::text as domain, counted.queue, counted.job_type,
      coalesce(sum(counted.jobs - counted.later) filter (where told.state = 'queued'), 0)::bigint as queued,
      coalesce(sum(counted.later) filter (where told.state = 'queued'), 0)::bigint as scheduled,
      coalesce(sum(counted.jobs) filter (where told.state = 'processing'), 0)::bigint as processing,
      coalesce(sum(counted.jobs) filter (where told.state = 'quarantined'), 0)::bigint as quarantined,
      coalesce(sum(counted.jobs) filter (where told.state = 'failed'), 0)::bigint as failed,
      coalesce(sum(counted.jobs) filter (where told.state = 'unmapped'), 0)::bigint as unmapped
    from counted
    cross join lateral (select counted.native as ${row}) as native
    cross join lateral (select ${sql.unsafe(hasColumn ? statusOf(mapped, 'native') : 'native.status')} as state) as told
    group by counted.queue, counted.job_type
    order by counted.queue collate "C", counted.job_type collate "C"`
  return rows.map(({ unmapped, ...row }) => ({ ...row, ...(unmapped > 0 && { unmapped }) }))
}

/** Since when the job of each group that has waited longest could run: one read of the jobs that wait. */
export const readOldestDue = async (
  mapped: Mapped,
  sql: Sql,
  groups: readonly WaitingGroup[],
): Promise<OldestDue[]> => [
  ...(await sql<OldestDue[]>`
    select item.domain, item.queue, item.job_type, min(jobs.due) as since
    from rows from (
      unnest(${groups.map(({ domain }) => domain)}::text[]),
      unnest(${groups.map(({ queue }) => queue)}::text[]),
      unnest(${groups.map(({ job_type = null }) => job_type)}::text[])
    ) as item (domain, queue, job_type)
    join (
      select jobs.domain, jobs.queue, jobs.job_type, min(${sql.unsafe(due)}) as due
      from jobs
      where ${hasState(mapped, sql, ['queued'])} and ${sql.unsafe(due)} <= now() and ${sql.unsafe(due)} > '-infinity'
      group by jobs.domain, jobs.queue, jobs.job_type
    ) as jobs on jobs.domain = item.domain and jobs.queue = item.queue
      and (item.job_type is null or jobs.job_type = item.job_type)
    group by item.domain, item.queue, item.job_type`),
]

/**
 * Who has running jobs, or has ended some in the last 15 minutes, as far as the table says who locked a job, and when a job ended. What has ended is
 * not told of a large table without an index of that time, which would be read whole.
 */
export async function readWorkers(mapped: Mapped, sql: Sql, scope: Narrowed): Promise<SeenWorker[]> {
  const isEndTold =
    mapped.map.times.ended !== undefined &&
    (isEndIndexed(mapped) || (await countRows(sql, mapped.table)) <= mostWithoutIndex)
  const isMeant = inQueueScope(sql, scope)
  const bound = sql.unsafe(`limit ${mostOfWorkers.jobs + 1}`)
  const column = endedColumn(mapped, sql)
  const isRecent = column
    ? sql`${column.from(sql`now() - interval '15 minutes'`)} and ${column.before(sql`now()`)}`
    : sql`true`
  const sumIfTold = (count: string) => sql.unsafe(isEndTold ? `sum(${count})::bigint` : 'null::bigint')
  const expired = sql.unsafe(
    mapped.map.times.lease === undefined ? 'null::bigint' : 'coalesce(sum(expired), 0)::bigint',
  )
  return sql<SeenWorker[]>`
    with running as materialized (
      select domain, queue, worker_id, acquired_at, leased_until <= now() as is_expired
      from jobs
      where ${hasState(mapped, sql, ['processing'])} ${isMeant}
      ${bound}
    ),
    ended as materialized (
      select domain, queue, worker_id, status
      from jobs
      where ${isEndTold ? isRecent : sql`false`} and ${hasState(mapped, sql, ['completed', 'failed', 'quarantined'])}
        and jobs.native_ended > now() - interval '15 minutes' and jobs.native_ended <= now() ${isMeant}
      ${bound}
    ),
    seen as (
      select domain, queue, worker_id, 1 as leases, is_expired::int as expired, acquired_at, 0 as done, 0 as failed
      from running
      union all
      select domain, queue, worker_id, 0, 0, null, (status = 'completed')::int, (status <> 'completed')::int
      from ended
    )
    select
      worker_id, sum(leases)::bigint as leases, ${expired} as expired, min(acquired_at) as oldest_lease_at,
      null::timestamptz as last_asked_at, max(acquired_at) as last_acquired_at, null::timestamptz as last_renewed_at,
      ${sumIfTold('done')} as done_15m, ${sumIfTold('failed')} as failed_15m, jsonb_agg(distinct jsonb_build_array(domain, queue)) as queues,
      (select count(*) from running) <= ${mostOfWorkers.jobs}::int and (select count(*) from ended) <= ${mostOfWorkers.jobs}::int
        as is_complete
    from seen
    group by worker_id
    order by leases desc, worker_id collate "C"
    ${sql.unsafe(`limit ${mostOfWorkers.workers + 1}`)}`
}

/** The two ends of the line of a queue. */
export async function readLine(mapped: Mapped, sql: Sql, queue: EngineQueue): Promise<QueueLine | undefined> {
  if (queue.domain !== mapped.domain) return undefined
  const waits = sql`jobs.queue = ${queue.queue}::text and ${hasState(mapped, sql, ['queued'])}`
  const [line] = await sql<[QueueLine]>`
    select
      now() as now, oldest.id, oldest.due as due_since, extract(epoch from now() - oldest.due)::float8 as seconds,
      next.due as next_due_at, extract(epoch from next.due - now())::float8 as next_due_in,
      (
        select count(*)
        from (
          select from jobs where jobs.queue = ${queue.queue}::text and ${hasState(mapped, sql, ['processing'])}
          ${sql.unsafe(`limit ${mostCounted}`)}
        ) as running
      ) as running,
      0::bigint as blocked
    from (select) as one
    left join (
      select jobs.id, ${sql.unsafe(due)} as due
      from jobs
      where ${waits} and ${sql.unsafe(due)} <= now() and ${sql.unsafe(due)} > '-infinity'
      order by due
      limit 1
    ) as oldest on true
    left join (
      select min(${sql.unsafe(due)}) as due
      from jobs
      where ${waits} and ${sql.unsafe(due)} > now() and ${sql.unsafe(due)} < 'infinity'
    ) as next on true`
  return line
}

/** How many due jobs of its queue fell due before a job. In which order workers take them, no map says. */
export async function countAhead(mapped: Mapped, sql: Sql, job: EngineJob, most: number): Promise<number> {
  const queue = keyParts(String(job.id))?.queue ?? ''
  const [{ ahead }] = await sql<[{ ahead: number }]>`
    select count(*) as ahead
    from (
      select
      from jobs
      where jobs.queue = ${queue}::text and ${hasState(mapped, sql, ['queued'])} and ${sql.unsafe(due)} <= now()
        and ${sql.unsafe(due)} < (select ${sql.unsafe(due)} from jobs where ${hasKey(mapped, sql, [String(job.id)])})
      ${sql.unsafe(`limit ${most + 1}`)}
    ) as line`
  return ahead
}

/** When a job of the queue was started last, where the table says it. */
export async function readSigns(mapped: Mapped, sql: Sql, queue: EngineQueue): Promise<WorkerSigns | undefined> {
  if (queue.domain !== mapped.domain || mapped.map.times.started === undefined) return undefined
  const [signs] = await sql<[WorkerSigns]>`
    select
      null::timestamptz as last_asked_at, last_picked_up_at, extract(epoch from now() - last_picked_up_at)::float8 as silence, running
    from (
      select
        max(jobs.started_at) as last_picked_up_at, least(count(*) filter (where jobs.status = 'processing'), 1000) as running
      from jobs
      where jobs.queue = ${queue.queue}::text and jobs.started_at <= now() and jobs.started_at > '-infinity'
    ) as signs`
  return signs
}

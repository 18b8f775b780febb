import { endedAt } from '../database/job-filter.ts'
import { inScope, type Narrowed } from '../database/scope.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import type { EngineHistory, HistorySlice } from '../engines/adapter.ts'
import { type Place, servedBy, unionOfPlaces } from '../engines/served.ts'
import { namedTransitions } from './fold.ts'

/** What the numbers are made of: transitions that were kept, or the times of jobs that are still there. */
export type Basis = 'history' | 'jobs'

/** A time in seconds since 1970. */
interface Range {
  from: number
  to: number
}

interface Queue {
  domain: string
  queue: string
}

/** How many jobs of a queue came, ended and failed; a number that the jobs of an engine do not tell is null. */
export interface QueueFlow extends Queue {
  came: number | null
  taken: number | null
  done: number | null
  failed: number | null
}

/** The most ended jobs that are read, where no history is kept. Where there are more, nothing is known. */
const mostJobs = 50_000

/**
 * What became of the jobs of each queue of a scope within a few minutes.
 * @returns undefined where there are more jobs than are read
 */
export async function readFlows(
  sql: Sql,
  basis: Basis,
  scope: Narrowed,
  range: Range,
): Promise<readonly QueueFlow[] | undefined> {
  if (basis === 'history') return flowsOfHistory(sql, scope, range)
  const slice: HistorySlice = { ...range, scope, most: mostJobs }
  const rows = await sql<(QueueFlow & { read: number })[]>`
    with ended as materialized (${endedJobs(sql, slice)}),
    made as materialized (${madeJobs(sql, slice)})
    select
      domain, queue, count(made_at) as came, null::bigint as taken, count(*) filter (where status = 'completed') as done,
      count(*) filter (where status in ('failed', 'quarantined')) as failed, (select count(*) from ended) as read
    from (
      select domain, queue, status, null::timestamptz as made_at from ended
      union all
      select domain, queue, null, made_at from made
    ) as jobs_there
    group by domain, queue`
  const tells = whatIsTold(sql)
  const isRead = rows.every(({ read }) => read <= mostJobs)
  return isRead
    ? rows.map(({ read: _, ...row }) => ({
        ...row,
        came: tells.created ? row.came : null,
        done: tells.completed ? row.done : null,
      }))
    : undefined
}

/** The table `item (domain, queue, nth)` of a list of queues, whose places count from 1. */
export const queueItems = (sql: Sql, queues: readonly Queue[]): Fragment => sql`
  rows from (
    unnest(${queues.map(({ domain }) => domain)}::text[]),
    unnest(${queues.map(({ queue }) => queue)}::text[])
  ) with ordinality as item (domain, queue, nth)`

/** A minute in which jobs of a queue ended. */
export interface QueueMinute {
  /** The place of the queue in the list, from 1 on. */
  nth: number
  /** Seconds since 1970. */
  at: number
  done: number
  failed: number
}

/**
 * In which minutes jobs of some queues ended or failed, within a range of whole minutes.
 * @returns undefined where there are more jobs than are read
 */
export async function readMinutes(
  sql: Sql,
  basis: Basis,
  { queues, scope, ...range }: Range & { queues: readonly Queue[]; scope: Narrowed },
): Promise<readonly QueueMinute[] | undefined> {
  const named = queueItems(sql, queues)
  if (basis === 'history') return minutesOfHistory(sql, named, scope, range)
  const rows = await sql<(QueueMinute & { read: number })[]>`
    with ended as materialized (${endedJobs(sql, { ...range, scope, most: mostJobs })})
    select
      nth, (floor(extract(epoch from ended_at) / 60) * 60)::bigint as at, count(*) filter (where status = 'completed') as done,
      count(*) filter (where status in ('failed', 'quarantined')) as failed, (select count(*) from ended) as read
    from ${named}
    join ended using (domain, queue)
    group by 1, 2`
  return rows.every(({ read }) => read <= mostJobs) ? rows : undefined
}

/** Which numbers the jobs of all places tell, where no history is kept. */
export function whatIsTold(sql: Sql): { created: boolean; completed: boolean } {
  const { mode, places } = servedBy(sql)
  if (mode === 'own') return { created: false, completed: true }
  const tells = (number: 'created' | 'completed') =>
    places.every(({ adapter }) => adapter.history?.notTold.includes(number) === false)
  return { created: tells('created') && timed(places).every(isIndexed), completed: tells('completed') }
}

/** Attempts that ended well, and that ended a job badly; and what came, and was taken. */
const counted = (sql: Sql): Fragment => sql`
  coalesce(sum(jobs) filter (where from_status = 'processing' and to_status = 'completed'), 0)::bigint as done,
  coalesce(sum(jobs) filter (where from_status = 'processing' and to_status in ('failed', 'quarantined')), 0)::bigint as failed`

const waiting = (sql: Sql): Fragment => sql`(${namedTransitions(sql, sql`from jobsctl_transitions`)}) as waiting`

/** Each side is summed up by itself: rows of both as one would be copied once more. */
const flowsOfHistory = (sql: Sql, scope: Narrowed, { from, to }: Range) => {
  const flowsIn = (rows: Fragment, time: Fragment) => sql`
    select
      domain, queue, ${counted(sql)},
      coalesce(sum(jobs) filter (where from_status = '' and to_status = 'queued'), 0)::bigint as came,
      coalesce(sum(jobs) filter (where to_status = 'processing' and from_status <> ''), 0)::bigint as taken
    ${rows}
    where ${time} >= to_timestamp(${from}::float8) and ${time} < to_timestamp(${to}::float8) ${inScope(sql, scope)}
      -- No number counts the others. To sort them out here takes half as long as to sum them up.
      and (from_status = 'processing' or to_status in ('queued', 'processing'))
    group by domain, queue`
  return sql<QueueFlow[]>`
    select
      domain, queue, sum(done)::bigint as done, sum(failed)::bigint as failed, sum(came)::bigint as came, sum(taken)::bigint as taken
    from (
      ${flowsIn(sql`from jobsctl_history_minutes`, sql`starts`)}
      union all
      ${flowsIn(sql`from ${waiting(sql)}`, sql`minute`)}
    ) as flows
    group by domain, queue`
}

/** The key of the minutes begins with the minute and the queue: it is looked up for each of them. */
const minutesOfHistory = (sql: Sql, named: Fragment, scope: Narrowed, { from, to }: Range) => sql<QueueMinute[]>`
  select nth, at, sum(done)::bigint as done, sum(failed)::bigint as failed
  from (
    select nth, at, done, failed
    from ${named}
    cross join generate_series(${from}::bigint, ${to}::bigint - 1, 60) as at
    cross join lateral (
      select ${counted(sql)}
      from jobsctl_history_minutes as kept
      where kept.starts = to_timestamp(at) and kept.domain = item.domain and kept.queue = item.queue ${inScope(sql, ofType(scope))}
      having count(*) > 0
    ) as minute
    union all
    select nth, extract(epoch from minute)::bigint, ${counted(sql)}
    from ${named}
    join ${waiting(sql)} on waiting.domain = item.domain and waiting.queue = item.queue
    where minute >= to_timestamp(${from}::float8) and minute < to_timestamp(${to}::float8) ${inScope(sql, ofType(scope))}
    group by 1, 2
  ) as minutes
  group by nth, at
  order by nth, at`

/** The limit of a caller to job types alone: its queues are named. */
const ofType = ({ within }: Narrowed): Narrowed => ({ within: within && { ...within, domains: [], queues: [] } })

type Timed = Place & { history: EngineHistory }

const timed = (places: readonly Place[]): Timed[] =>
  places.flatMap((place) => (place.adapter.history ? [{ ...place, history: place.adapter.history }] : []))

const isIndexed = ({ history, found }: Timed): boolean => history.isIndexed(found)

const noJobs = (sql: Sql): Fragment => sql`
  select null::text as domain, null::text as queue, null::text as status, null::timestamptz as ended_at where false`

/** The jobs that ended within a slice, as `(domain, queue, status, ended_at)`. */
function endedJobs(sql: Sql, slice: HistorySlice): Fragment {
  const { mode, places } = servedBy(sql)
  const { from, to, scope, most } = slice
  const first = sql.unsafe(`limit ${most + 1}`)
  if (mode === 'own')
    return sql`
      select domain, queue, status, ${endedAt(sql)} as ended_at
      from jobs
      where ${endedAt(sql)} >= to_timestamp(${from}::float8) and ${endedAt(sql)} < to_timestamp(${to}::float8) ${inScope(sql, scope)}
      order by ${endedAt(sql)} desc, id desc
      ${first}`
  const found = timed(places)
  if (found.length === 0) return noJobs(sql)
  return sql`
    select domain, queue, status, ended_at
    from (${unionOfPlaces(sql, found, ({ history, found: of }, at) => sql`select * from ${history.ended(at, of, slice)} as of_place`)}) as every
    ${first}`
}

/** The jobs that were made within a slice, where an index has them, as `(domain, queue, made_at)`. */
function madeJobs(sql: Sql, slice: HistorySlice): Fragment {
  const { mode, places } = servedBy(sql)
  const found = timed(places).flatMap(({ history, ...place }) =>
    history.created && isIndexed({ ...place, history }) ? [{ ...place, created: history.created }] : [],
  )
  if (mode === 'own' || found.length === 0)
    return sql`select domain, queue, ended_at as made_at from (${noJobs(sql)}) as none`
  return sql`
    select domain, queue, created_at as made_at
    from (${unionOfPlaces(sql, found, ({ created, found: of }, at) => sql`select * from ${created(at, of, slice)} as of_place`)}) as every
    ${sql.unsafe(`limit ${slice.most + 1}`)}`
}

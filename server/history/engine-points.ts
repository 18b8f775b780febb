import { Failure } from '../../shared/errors.ts'
import { inScope, type Narrowed } from '../database/scope.ts'
import { type Fragment, type Sql, staticFragment } from '../database/sql.ts'
import type { EngineHistory, HistoryNumber, HistorySlice, KeptJobs } from '../engines/adapter.ts'
import { type Place, type ServedEngine, unionOfPlaces } from '../engines/served.ts'
import { bucketBounds } from './buckets.ts'
import type { PointRow, Range } from './read-points.ts'
import { type Counts, least, mostRead, none, walk } from './walk.ts'

/** How long after a range jobs are read that have begun in it, in seconds, at most. */
const longestRun = 86_400

/** What became of the jobs that are still there. */
export interface EnginePoints {
  rows: PointRow[]
  /** The first time of the range of which jobs were read: later than its begin where it has more jobs than are read. */
  from: number
  /** Jobs that ended before it may have been deleted; null where there is no queue. */
  since: number | null
  /** Numbers that the jobs of some place do not tell. */
  notTold: HistoryNumber[]
}

/** What is counted of jobs: their end, their last begin, and that they were made. */
type Part = 'ended' | 'begun' | 'created'

/** The number of a point that a part makes; the ends are always told. */
const numberOf: Readonly<Record<Part, HistoryNumber | 'ended'>> = {
  ended: 'ended',
  begun: 'acquired',
  created: 'created',
}

/** The jobs of a place that does not tell them. */
const nothing = (sql: Sql): Fragment => sql`
  (
    select null::text as domain, null::text as queue, null::text as status, null::timestamptz as created_at,
      null::timestamptz as available_at, null::timestamptz as started_at, null::timestamptz as ended_at, null::integer as kept_seconds
    where false
  )`

/** A place with the times of its jobs. */
type Timed = Place & { history: EngineHistory }

/**
 * The places of a scope.
 * @throws Failure `not_supported` where one of them has no times of its jobs
 */
function placesWithin({ places }: Pick<ServedEngine, 'places'>, { domain }: Narrowed): Timed[] {
  return places
    .filter(({ found }) => domain === undefined || found.domain === domain)
    .map((place) => {
      const { history, engine } = place.adapter
      if (history) return { ...place, history }
      throw new Failure('not_supported', `${engine} does not tell when the jobs of ${place.found.domain} ended`, {
        hint: 'give another domain (--domain)',
      })
    })
}

/**
 * Counts the jobs of a range by their times, as far as they are there: in the engine's table, and those that a prune has deleted in the archive.
 * The newest steps are read first, and at most 300,000 jobs; after 8 s no further slice is begun.
 * @throws Failure `not_supported` for an engine without the times of its jobs
 */
export async function readEnginePoints(
  sql: Sql,
  served: ServedEngine,
  scope: Narrowed,
  range: Range & { now: number },
): Promise<EnginePoints> {
  const places = placesWithin(served, scope)
  if (places.length === 0) return { rows: [], from: range.from, since: null, notTold: [] }
  const notTold = [...new Set(places.flatMap(({ history }) => history.notTold))]
  const told = (...parts: Part[]) => parts.filter((part) => notTold.every((number) => number !== numberOf[part]))
  // There are few groups, which the planner does not know: it would sort every job.
  await sql`select set_config('enable_sort', 'off', true)`
  const count = async (parts: readonly Part[], most: number, rows: (place: Timed, of: Sql) => Fragment) =>
    parts.length === 0
      ? none
      : countTimes(
          sql,
          sql`(${unionOfPlaces(sql, places, (place, of) => sql`select * from ${rows(place, of)} as of_place`)})`,
          { range, parts, most },
        )
  const unknown: KeptJobs = { since: range.now, longest_run: 0 }
  const kept = await Promise.all(places.map(({ history, found }) => history.kept?.(sql, found, scope) ?? unknown))
  const longest = Math.min(longestRun, Math.max(...kept.map(({ longest_run }) => longest_run)))
  const tail = Math.min(range.now, range.to + longest)
  const isAdmin = served.mode === 'admin'
  const archived = isAdmin
    ? await count(told('ended', 'begun', 'created'), mostRead, (place, of) => archivedJobs(of, place, scope, range))
    : none
  const running = await count(told('begun'), mostRead, ({ history, found }, of) =>
    (history.begun ?? nothing)(of, found, { scope, most: mostRead }),
  )
  const later = { scope, from: range.to, to: tail, most: mostRead }
  const ended =
    tail > range.to
      ? await count(told('begun'), mostRead, ({ history, found }, of) => history.ended(of, found, later))
      : none
  const isIndexed = places.every(({ history, found }) => history.isIndexed(found))
  const walked = await walk(range, isIndexed, async (from, to, most) => {
    const slice: HistorySlice = { scope, from, to, most }
    const one = await count(told('ended', 'begun'), most, ({ history, found }, of) => history.ended(of, found, slice))
    if (one.read > most) return one
    const made = await count(told('created'), most, ({ history, found }, of) =>
      (history.created ?? nothing)(of, found, slice),
    )
    return together(one, made)
  })
  const others = [archived, running, ended]
  const shortest = others.reduce<number | null>((all, one) => least(all, one.kept), walked.kept)
  const known = kept.map(({ since }) => since).filter((at) => at !== null)
  const gone = [
    shortest === null ? null : range.now - shortest,
    archived.read > mostRead ? range.now : null,
    isAdmin ? await readPruned(sql, scope, range.from) : null,
  ].filter((at) => at !== null)
  return {
    rows: [...walked.rows, ...others.flatMap(({ read, rows }) => (read > mostRead ? [] : rows))],
    from: walked.from,
    since: known.length === 0 ? null : Math.max(...known, ...gone),
    notTold,
  }
}

/** The jobs of a slice that ended and those that were made: many are both. */
const together = (one: Counts, other: Counts): Counts => ({
  read: Math.max(one.read, other.read),
  rows: [...one.rows, ...other.rows],
  kept: least(one.kept, other.kept),
})

interface Counting {
  range: Range
  parts: readonly Part[]
  most: number
}

/** How each part is counted: its time, the states before and after, and how long the job has waited or run. */
const counted: Readonly<Record<Part, (sql: Sql) => Fragment>> = {
  ended: (sql) => sql`
    select
      ended_at as at, case when started_at is null then 'queued' else 'processing' end as from_status, status as to_status,
      case when status <> 'cancelled' and isfinite(started_at) then greatest(extract(epoch from ended_at - started_at), 0) end as seconds
    from jobs_read`,
  begun: (sql) => sql`
    select started_at, 'queued', 'processing', case when isfinite(available_at) then greatest(extract(epoch from started_at - available_at), 0) end
    from jobs_read`,
  created: (sql) => sql`select created_at, '', 'queued', null::numeric from jobs_read`,
}

/** Counts jobs by step, in groups of one bucket each. */
async function countTimes(sql: Sql, jobs: Fragment, { range, parts, most }: Counting): Promise<Counts> {
  const { from, to, step } = range
  const within = (part: Part): Fragment => sql`
    select * from (${counted[part](sql)}) as of_part (at, from_status, to_status, seconds)
    where at >= to_timestamp(${from}::float8) and at < to_timestamp(${to}::float8)`
  const [
    first = sql`select null::timestamptz as at, '' as from_status, '' as to_status, null::numeric as seconds where false`,
    ...others
  ] = parts.map(within)
  const rows = await sql<CountRow[]>`
    with jobs_read as materialized (select * from ${jobs} as jobs_there ${sql.unsafe(`limit ${most + 1}`)}),
    timed as (
      -- The offset has each number computed once, and not wherever it is used.
      select (floor(extract(epoch from at)::float8 / ${step}::int) * ${step}::int)::bigint as at, from_status, to_status, seconds::float8 as seconds
      from (${others.reduce((all, part) => sql`${all} union all ${part}`, first)}) as part
      where (select count(*) from jobs_read) <= ${most}::int
      offset 0
    )
    select null::bigint as at, '' as from_status, '' as to_status, null::int as bucket, count(*) as jobs, 0::float8 as milliseconds,
      min(kept_seconds)::float8 as kept
    from jobs_read
    union all
    select at, from_status, to_status, bucket, count(*), coalesce(sum(seconds) * 1000, 0), null
    from (
      -- A bucket has its upper bound, which width_bucket gives to the next one.
      select *, width_bucket(seconds, ${boundsOf(sql)}) - (seconds = any(${boundsOf(sql)}))::int as bucket from timed offset 0
    ) as in_buckets
    group by at, from_status, to_status, bucket`
  const totals = rows.find(({ at }) => at === null)
  return {
    read: totals?.jobs ?? 0,
    kept: totals?.kept ?? null,
    rows: rows.flatMap(({ at, bucket, from_status, to_status, jobs: number, milliseconds }) =>
      at === null ? [] : { at, from_status, to_status, jobs: number, milliseconds, buckets: bucketsOf(bucket, number) },
    ),
  }
}

interface CountRow extends Omit<PointRow, 'at' | 'buckets'> {
  at: number | null
  bucket: number | null
  kept: number | null
}

const boundsOf = staticFragment((sql) => sql`${sql.unsafe(`array[${bucketBounds.join(', ')}]`)}::float8[]`)

const bucketsOf = (bucket: number | null, jobs: number): number[] | null =>
  bucket === null ? null : [...bucketBounds, 0].map((_, at) => (at === bucket ? jobs : 0))

/** Jobs that prunes have deleted since a time, which are kept in the archive. A job that ended in the range was deleted later. */
const archivedJobs = (sql: Sql, place: Place, scope: Narrowed, { from }: Pick<Range, 'from'>): Fragment => sql`
  (
    select domain, queue, status, created_at, available_at, started_at, ${place.lacksArchive ? sql`completed_at` : place.adapter.endedAt(sql)} as ended_at,
      null::integer as kept_seconds
    from jobs_archive as jobs
    where archived_at >= to_timestamp(${from}::float8) ${inScope(sql, scope)}
  )`

/** When the last change has deleted jobs of a scope that are in no archive, in seconds since 1970; null where none has. */
async function readPruned(sql: Sql, { domain, queue }: Narrowed, from: number): Promise<number | null> {
  const [{ at }] = await sql<[{ at: number | null }]>`
    select extract(epoch from max(coalesce(ended_at, touched_at)))::float8 as at
    from job_operations as record
    where kind in ('prune', 'erase') and affected > 0 and undone_by is null and started_at >= to_timestamp(${from}::float8)
      ${domain ? sql`and (record.domain is null or record.domain = ${domain})` : sql``}
      ${queue ? sql`and (record.queue is null or record.queue = ${queue})` : sql``}
      and not exists (select from jobs_archive as kept where kept.operation_id = record.id)`
  return at
}

import type { GroupStats } from '../../shared/queues/stats.ts'
import { inScope, type Narrowed } from '../database/scope.ts'
import { type Fragment, type Sql, staticFragment } from '../database/sql.ts'
import { servedBy } from '../engines/served.ts'
import type { Range } from './read-points.ts'

type Depth = Pick<GroupStats, 'queued' | 'scheduled' | 'processing' | 'quarantined'>

/** A moment at which the depths of all groups were written. */
export interface Moment {
  /** ISO 8601, with all digits of PostgreSQL. */
  as_of: string
  /** The whole moment from which on the rows of the groups count. */
  base: string
}

/**
 * How long a moment is good for: depths of more than 7 days ago are kept by the hour. A server that starts late in an hour has that long to
 * write.
 */
const longestAge = staticFragment((sql) => sql`interval '65 minutes'`)

/** The last moment at or before `at`; undefined where none was written in the 65 minutes before. */
export async function momentBefore(sql: Sql, at: string): Promise<Moment | undefined> {
  const [found] = await sql<Moment[]>`
    select moment as as_of, ${baseOf(sql, sql`found.moment`)} as base
    from (
      select max(moment) as moment from jobsctl_depth_moments
      where moment <= ${at}::text::timestamptz and moment > ${at}::text::timestamptz - ${longestAge(sql)}
    ) as found
    where found.moment is not null`
  return found
}

const baseOf = (sql: Sql, moment: Fragment): Fragment =>
  sql`(select max(moment) from jobsctl_depth_moments where whole and moment <= ${moment})`

/** The depths of the groups of a scope at a moment, in the order of stats. */
export const readDepths = (sql: Sql, scope: Narrowed, { as_of, base }: Moment) => sql<GroupStats[]>`
  select domain, queue, job_type, depth.queued, depth.scheduled, depth.processing, depth.quarantined
  from jobsctl_depth_groups as known
  cross join lateral ${lastRow(sql, { base: sql`${base}::text::timestamptz`, until: sql`${as_of}::text::timestamptz` })} as depth
  where ${isOfClient(sql)} ${inScope(sql, scope)}
  order by domain, queue, job_type`

/** The last row of the group `known` within a time. */
const lastRow = (sql: Sql, { base, until }: { base: Fragment; until: Fragment }): Fragment => sql`(
    select queued, scheduled, processing, quarantined
    from jobsctl_depths
    where group_id = known.id and moment between ${base} and ${until}
    order by moment desc
    limit 1
  )`

/** A condition on groups: their jobs are those that a client is about. */
function isOfClient(sql: Sql): Fragment {
  const { mode, places } = servedBy(sql)
  const domains = places.map(({ found }) => found.domain)
  if (mode !== 'own') return sql`domain = any(${domains}::text[])`
  return places.length === 0 ? sql`true` : sql`domain <> all(${domains}::text[])`
}

/** How many jobs there were when a step began. */
export interface DepthPoint extends Depth {
  /** When the step begins, in seconds since 1970. */
  at: number
  /** When the depths were written: the first moment of the step. */
  as_of: string
}

/**
 * The depths of a scope at the first moment of each step; no row for a step in which none was written. Where a call is about all jobs that a
 * server writes depths of, the sums of the moments are read, and no group.
 */
export function readDepthPoints(sql: Sql, scope: Narrowed, range: Range) {
  const { mode, places, ...engine } = servedBy(sql)
  const isAll = mode === 'own' ? places.length === 0 : !('isChosen' in engine && engine.isChosen)
  const { domain, queue, job_type, within } = scope
  return isAll && (domain ?? queue ?? job_type ?? within) === undefined
    ? sumsOfMoments(sql, range)
    : sumsOfGroups(sql, scope, range)
}

/** Defines the CTE `firsts (at, moment)`. */
const firsts = (sql: Sql, { from, to, step }: Range): Fragment => sql`firsts as materialized (
    select starts as at, moment
    from generate_series(${from}::bigint, ${to - step}::bigint, ${step}::bigint) as starts
    cross join lateral (
      select min(moment) as moment from jobsctl_depth_moments
      where moment >= to_timestamp(starts) and moment < to_timestamp(starts + ${step}::int)
    ) as written
    where moment is not null
  )`

const sumsOfMoments = (sql: Sql, range: Range) => sql<DepthPoint[]>`
  with ${firsts(sql, range)}
  select at, moment as as_of, queued, scheduled, processing, quarantined
  from firsts
  join jobsctl_depth_moments using (moment)
  order by at`

const sumsOfGroups = (sql: Sql, scope: Narrowed, range: Range) => sql<DepthPoint[]>`
  with ${firsts(sql, range)},
  based as materialized (select at, moment, ${baseOf(sql, sql`firsts.moment`)} as base from firsts),
  known as materialized (select id from jobsctl_depth_groups where ${isOfClient(sql)} ${inScope(sql, scope)}),
  summed as (
    select at, sum(queued)::bigint as queued, sum(scheduled)::bigint as scheduled,
      sum(processing)::bigint as processing, sum(quarantined)::bigint as quarantined
    from based
    cross join known
    cross join lateral ${lastRow(sql, { base: sql`based.base`, until: sql`based.moment` })} as depth
    group by at
  )
  select at, moment as as_of, coalesce(queued, 0) as queued, coalesce(scheduled, 0) as scheduled,
    coalesce(processing, 0) as processing, coalesce(quarantined, 0) as quarantined
  from based
  left join summed using (at)
  order by at`

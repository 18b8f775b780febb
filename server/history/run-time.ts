import { inScope, type Within } from '../database/scope.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import type { HistorySlice } from '../engines/adapter.ts'
import type { Place } from '../engines/served.ts'
import { namedTransitions } from './fold.ts'

/** How long jobs ran, whatever the end of their attempt. */
export interface RunTime {
  /** The sum of their times, in seconds. */
  seconds: number
  /** How many jobs it is of. */
  jobs: number
}

export const unknownRunTime: RunTime = { seconds: 0, jobs: 0 }

interface Queue {
  domain: string
  queue: string
}

/** A range in seconds since 1970. */
interface Range {
  from: number
  to: number
}

/** The run time of the attempts of a queue that ended within a range of minutes. The key of the minutes is looked up for each of them. */
export async function runTimeOfHistory(sql: Sql, queue: Within<Queue>, { from, to }: Range): Promise<RunTime> {
  const ended = (at: Fragment) => sql`
    from_status = 'processing' and ${at}.domain = ${queue.domain}::text and ${at}.queue = ${queue.queue}::text ${inScope(sql, { within: queue.within })}`
  const [row = unknownRunTime] = await sql<RunTime[]>`
    select (coalesce(sum(milliseconds), 0) / 1000)::float8 as seconds, coalesce(sum(timed), 0)::bigint as jobs
    from (
      select milliseconds, timed
      from generate_series(floor(${from}::float8 / 60)::bigint * 60, ${to}::float8::bigint, 60) as at
      cross join lateral (
        select milliseconds, (select sum(bucket) from unnest(buckets) as bucket) as timed
        from jobsctl_history_minutes as kept
        where kept.starts = to_timestamp(at) and kept.buckets is not null and ${ended(sql`kept`)}
      ) as minute
      union all
      select milliseconds, jobs
      from (${namedTransitions(sql, sql`from jobsctl_transitions`)}) as waiting
      where bucket is not null and minute >= to_timestamp(${from}::float8) and ${ended(sql`waiting`)}
    ) as run_times`
  return row
}

/** The most jobs of an engine that are read for their run time. */
const mostJobs = 1000

/** The run time of jobs of a place that ended within a range and are still there, of at most 1,000 of them. */
export async function runTimeOfJobs(
  sql: Sql,
  { adapter: { history }, found }: Place,
  slice: Omit<HistorySlice, 'most'>,
): Promise<RunTime> {
  if (!history || history.notTold.includes('run')) return unknownRunTime
  const [row = unknownRunTime] = await sql<RunTime[]>`
    select coalesce(sum(extract(epoch from ended_at - started_at)), 0)::float8 as seconds, count(*) as jobs
    from ${history.ended(sql, found, { ...slice, most: mostJobs - 1 })} as ended
    where isfinite(started_at) and isfinite(ended_at) and ended_at >= started_at`
  return row
}

import { inScope, type Narrowed } from '../database/scope.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { arrayOfBucket, sumOfBucketArrays } from './buckets.ts'
import { namedTransitions } from './fold.ts'

/** A range of history: seconds since 1970, both multiples of the step. */
export interface Range {
  from: number
  to: number
  step: number
}

/** What became of the jobs of one step, by the states before and after. */
export interface PointRow {
  /** When the step begins, in seconds since 1970. */
  at: number
  from_status: string
  to_status: string
  jobs: number
  milliseconds: number
  buckets: number[] | null
}

/** A step of an hour or more is read from the hours, which are kept for longer. */
const shortestOfHours = 3600

/** The transitions of a range, those included that have not been added up yet: a sum is right at every moment. */
export const readPoints = (sql: Sql, scope: Narrowed, { from, to, step }: Range) => sql<PointRow[]>`
  select
    (floor(extract(epoch from starts) / ${step}::int) * ${step}::int)::bigint as at, from_status, to_status,
    sum(jobs)::bigint as jobs, sum(milliseconds)::float8 as milliseconds, ${sumOfBucketArrays(sql)} as buckets
  from (
    ${added(sql, step)}
    union all
    select minute, domain, queue, job_type, from_status, to_status, jobs, coalesce(milliseconds, 0), ${arrayOfBucket(sql)}
    from (${namedTransitions(sql, sql`from jobsctl_transitions`)}) as waiting
  ) as kept
  where starts >= to_timestamp(${from}::float8) and starts < to_timestamp(${to}::float8) ${inScope(sql, scope)}
  group by 1, 2, 3
  order by 1`

const added = (sql: Sql, step: number): Fragment =>
  step >= shortestOfHours
    ? sql`
    select starts, domain, queue, job_type, from_status, to_status, jobs, milliseconds, buckets
    from jobsctl_history_hours`
    : sql`
    select starts, domain, queue, job_type, from_status, to_status, jobs, milliseconds, buckets
    from jobsctl_history_minutes`

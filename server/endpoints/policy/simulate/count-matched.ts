import type { Rule } from '../../../../shared/policy/rule.ts'
import type { Afterwards } from '../../../../shared/policy/simulate.ts'
import type { BulkChange } from '../../../bulk/change/bulk-change.ts'
import { isKeptByHold } from '../../../database/kept-by-hold.ts'
import { roomForSorting } from '../../../database/planner-hints.ts'
import { type Holds, noHolds, readHolds } from '../../../database/read-holds.ts'
import { type Fragment, type Sql, staticFragment } from '../../../database/sql.ts'
import { ofEventHere } from '../../../engines/of-place.ts'
import { jobsOfPast, type Recent, runsAgain } from './jobs-under-rule.ts'
import type { Cohort } from './runs.ts'

/** The most jobs of one rule. */
export const mostJobs = 1_000_000
/** The most cohorts of one rule. */
export const mostCohorts = 100_000

/** What is counted of one rule. */
export interface Counting {
  rule: Rule
  bulk: Pick<BulkChange<unknown>, 'matching' | 'time' | 'keptByHold'>
  /** The times of its runs, the earliest first; one at least. */
  runs: readonly Date[]
  /** The days, in ISO 8601. */
  from: string
  to: string
  /** The events that are read; undefined leaves out what became of jobs, and the jobs that are gone. */
  recent: Recent | undefined
}

/** The jobs that came under a rule, and what became of them. */
export interface Counted {
  cohorts: Cohort[]
  afterwards: Afterwards
  /** Jobs that ran again, and of which nothing tells when they had ended. */
  unknown: number
  /** There are more than `mostJobs`. */
  isCut: boolean
  /** There are more than `mostCohorts`. */
  isParted: boolean
}

/** Counts the jobs of one rule in one statement. A hold that was added before the days keeps its jobs; a later one is counted. */
export async function countMatched(sql: Sql, counting: Counting): Promise<Counted> {
  const { rule, runs, recent } = counting
  const holds = await readHoldsOfDays(sql, counting)
  const past = recent
    ? jobsOfPast(sql, rule, { ended: counting.bulk.time(sql), recent })
    : sql`select null::text as id, null::timestamptz as due, null::timestamptz as until where false`
  // A merge join would sort a million ids to find the few that have events.
  await sql`select ${roomForSorting(sql)}, set_config('enable_mergejoin', 'off', true)`
  const [row] = await sql<[Counted]>`
    with runs as materialized (select ${runs.map((run) => run.toISOString())}::text[]::timestamptz[] as times),
    past as materialized (${past} limit ${sql.unsafe(String(mostJobs + 1))}),
    left_rule as materialized (
      select id, (met / ${runBase(sql)})::int as first, (met % ${runBase(sql)})::int as last
      from (
        select id, min(first::bigint * ${runBase(sql)} + last) as met
        from (
          select id, width_bucket(due, times) + 1 as first, width_bucket(until, times) as last
          from past cross join runs
          where due is not null
        ) as stay
        where first <= last
        group by id
      ) as earliest
    ),
    there as materialized (${jobsThatAreThere(sql, counting, holds)} limit ${sql.unsafe(String(mostJobs + 1))}),
    taken as materialized (
      select id, first, last, false as held from left_rule
      union all
      select id, width_bucket(due, times) + 1 as first, cardinality(times) as last, held
      from there cross join runs
      where width_bucket(due, times) < cardinality(times) and not exists (select from left_rule where left_rule.id = there.id)
    ),
    cohort as materialized (select first, last, count(*) as jobs from taken group by first, last),
    after as (${actsAfterwards(sql, rule, recent)})
    select
      (
        select coalesce(jsonb_agg(jsonb_build_object('first', first, 'last', last, 'jobs', jobs) order by first, last), '[]')
        from (select * from cohort order by first, last limit ${sql.unsafe(String(mostCohorts))}) as cohort
      ) as cohorts,
      (select count(*) from cohort) > ${sql.unsafe(String(mostCohorts))} as "isParted",
      (
        select jsonb_build_object(
          'retried', count(distinct id) filter (where act = 'retried'),
          'revealed', count(distinct id) filter (where act = 'job.revealed'),
          'edited', count(distinct id) filter (where act = 'job.edited'),
          'held', (select count(*) from taken where held),
          'ran', ${rule.prune ? sql`null::bigint` : sql`count(distinct id) filter (where act = 'ran')`}
        )
        from taken
        join after on after.job = taken.id
        cross join runs
        where after.at > times[taken.first]
      ) as afterwards,
      (select count(distinct id) from past where due is null) as unknown,
      greatest((select count(*) from past), (select count(*) from there)) > ${sql.unsafe(String(mostJobs))} as "isCut"`
  return row
}

/** Larger than the number of any run: the first run and the last one of a job are one number, of which the smallest is found without a sort. */
const runBase = staticFragment((sql) => sql`65536`)

interface HoldsOfDays {
  before: Holds
  later: Holds
}

/** The holds that were added before the days, and within them. */
const readHoldsOfDays = async (sql: Sql, { bulk, from }: Counting): Promise<HoldsOfDays> =>
  bulk.keptByHold
    ? { before: await readHolds(sql, { before: from }), later: await readHolds(sql, { since: from }) }
    : { before: noHolds, later: noHolds }

/** A query of `(id, due, held)`: the jobs that are under the rule at the end of the days. */
const jobsThatAreThere = (sql: Sql, { rule, bulk, to }: Counting, { before, later }: HoldsOfDays): Fragment => sql`
  select jobs.id::text as id, ${bulk.time(sql)} + ${termOf(sql, rule)} as due,
    ${isKeptByHold(sql, later) ?? sql`false`} as held
  ${bulk.matching(sql, { asOf: to, snapshot: undefined, holds: before })}`

/** An SQL expression on `jobs`: how long after the time of its change a job comes under the rule. */
const termOf = (sql: Sql, { prune, sweep }: Rule): Fragment =>
  prune
    ? sql`${prune.older_than_days}::int * interval '24 hours'`
    : sql`
    case jobs.status when 'queued' then ${sweep?.age_seconds ?? null}::bigint else ${sweep?.runtime_seconds ?? null}::bigint end
    * interval '1 second'`

/** A query of `(job, act, at)`: what became of jobs in the events that are read. */
function actsAfterwards(sql: Sql, { prune }: Rule, recent: Recent | undefined): Fragment {
  if (!recent) return sql`select null::text as job, null::text as act, null::timestamptz as at where false`
  const ran = sql`'job.acquired', 'job.completed'`
  return sql`
    select job_ref::text as job,
      case when event_type in ${runsAgain(sql)} then 'retried' when event_type in (${ran}) then 'ran' else event_type end as act,
      max(created_at) as at
    from job_events
    where id > ${recent.after}::bigint and created_at > ${recent.since}::text::timestamptz and job_ref is not null
      and (event_type in ${runsAgain(sql)} or event_type in ('job.revealed', 'job.edited' ${prune ? sql`` : sql`, ${ran}`}))
      ${ofEventHere(sql, sql`job_events`)}
    group by 1, 2`
}

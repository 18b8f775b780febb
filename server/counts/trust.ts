import type { Fragment, Sql } from '../database/sql.ts'
import { staticFragment } from '../database/static-fragment.ts'

/**
 * Counts of live jobs that triggers keep (`migrations/0006_counts.sql`): how they are read, added up, compared with the
 * jobs, and set right. They are trusted only while the triggers are the very ones that were there when they were last
 * found right: whoever disables one, restores a dump or truncates the table is noticed at the next look.
 */
export const countTriggers = {
  jobsctl_count_insert: 'after insert on jobs referencing new table as fresh for each statement',
  jobsctl_count_update: 'after update on jobs referencing old table as gone new table as fresh for each statement',
  jobsctl_count_delete: `after delete on jobs for each row when (old.status in ('queued', 'processing', 'quarantined'))`,
  jobsctl_count_truncate: 'after truncate on jobs for each statement',
}

/**
 * Whether triggers can count the jobs: a plain table, which a crash leaves as it was, and whose rows this role sees all. Of
 * one that is part of another, or has parts, they see what is written to it by its own name alone.
 */
export const isCountable = staticFragment(
  (sql) => sql`exists (
  select from pg_class
  where oid = to_regclass('jobs') and relkind = 'r' and relpersistence = 'p' and not row_security_active(oid)
    and not exists (select from pg_inherits where pg_class.oid in (inhrelid, inhparent))
)`,
)

/**
 * The triggers as they are, and where the rows are; null unless all are there and fire, and see all, and append to these
 * very tables. A row of a catalog that is written has another `xmin`, and a table that is written anew another file.
 */
const signature = (sql: Sql): Fragment => sql`(
  select string_agg(concat_ws('.', oid, xmin, tgenabled), ' ' order by tgname) || ' ' || pg_relation_filenode(to_regclass('jobs'))
  from pg_trigger
  where tgrelid = to_regclass('jobs') and tgname = any(${Object.keys(countTriggers)}::text[]) and tgenabled in ('O', 'A')
    and tgfoid = to_regproc(tgname)
    and ${isCountable(sql)}
  having count(*) = ${Object.keys(countTriggers).length}::int
)`

/** Of `jobsctl_counting`: the triggers as they were when the counts were last found right; null when those are worth nothing. */
const whenRight = staticFragment(
  (sql) => sql`
  case
    when until > now() and jobs = to_regclass('jobs') and not exists (select from jobsctl_count_deltas where span is null)
    then triggers
  end`,
)

/** Whether the counts can be trusted: one row with `trusted`. */
export const trustCondition = staticFragment(
  (sql) => sql`
  select coalesce((select ${whenRight(sql)} = ${signature(sql)} from jobsctl_counting), false) as trusted`,
)

/**
 * Jobs that fall due before this are counted in the index, those after it by the minute, the hour or the day. Two
 * minutes, since a transaction that began a little later than this statement may have been seen by it.
 */
export const nearFutureEnd = staticFragment((sql) => sql`(date_trunc('minute', now(), 'UTC') + interval '2 minutes')`)

/** The cells that together hold each job once, as `(span, first, last)`: the rest of the hour, of the day, and all days. */
const windows = staticFragment(
  (sql) => sql`
  select span, first, last
  from (select ${nearFutureEnd(sql)} as minute) as near
  cross join lateral (select date_trunc('hour', minute + interval '59 minutes', 'UTC') as hour) as hours
  cross join lateral (select date_trunc('day', hour + interval '23 hours', 'UTC') as day) as days
  cross join lateral (values
    ('', '-infinity'::timestamptz, '-infinity'::timestamptz),
    ('minute', minute, hour - interval '1 minute'),
    ('hour', hour, day - interval '1 hour'),
    ('day', day, 'infinity')
  ) as cells (span, first, last)`,
)

/** By group `queued` in all, those of them that are `later` than the near end, `processing` and `quarantined`. */
export const countedGroups = (sql: Sql, inScope: Fragment): Fragment => sql`
  select
    domain, queue, job_type,
    sum(queued) filter (where span = '')::bigint as queued,
    coalesce(sum(queued) filter (where span <> ''), 0)::bigint as later,
    sum(processing)::bigint as processing,
    sum(quarantined)::bigint as quarantined
  from (
    select kept.*
    from (${windows(sql)}) as cell
    join jobsctl_counts kept on kept.span = cell.span and kept.starts between cell.first and cell.last
    union all
    select kept.*
    from jobsctl_count_deltas kept
    join (${windows(sql)}) as cell on kept.span = cell.span and kept.starts between cell.first and cell.last
  ) as kept
  where true ${inScope}
  group by domain, queue, job_type`

/** How the counts stand. */
export interface CountsState {
  /** Whether triggers can count the jobs at all. */
  countable: boolean
  /** The triggers as they are; null when one is missing or disabled, or cannot count. */
  triggers: string | null
  /** As they were when the counts were last found right; null when those have to be counted anew. */
  trusted: string | null
  /** Milliseconds since then. */
  age: number | null
  mended_at: string | null
  mended: number | null
}

export async function readCountsState(sql: Sql): Promise<CountsState> {
  const [state] = await sql<CountsState[]>`
    select
      ${isCountable(sql)} as countable,
      ${signature(sql)} as triggers,
      ${whenRight(sql)} as trusted,
      (extract(epoch from now() - checked_at) * 1000)::float8 as age,
      mended_at,
      mended
    from jobsctl_counting`
  return state ?? { countable: true, triggers: null, trusted: null, age: null, mended_at: null, mended: null }
}

import type { Preview } from '../../shared/changes/bulk-change.ts'
import type { Call } from '../call.ts'
import { hasSafeId } from '../database/planner-hints.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { staticFragment } from '../database/static-fragment.ts'
import type { BulkChange, JobSet } from './bulk-change.ts'
import { previewLifetimeSeconds, signToken } from './preview-token.ts'
import { hasOpenTransactions, isWrittenRecently, type Snapshot } from './snapshot.ts'

const mostGroups = 100
const mostOwners = 10
const sampleSize = 200
const sampleIds = 10
/** A token of more would be too long: what is as recent is then not of the set, since what is below a savepoint cannot be told apart. */
const mostRecent = 2000
/** Jobs a second, as long as no change of this kind has been big enough to tell. */
const usualPace = 5000

/** What a preview says of its moment, beside what the caller asks for more. */
interface Seeing<More> {
  preview: Preview
  more: More
}

interface Asking<More> {
  /** A query of one row, asked at the same moment; it may ask `grouped` of `describe`, too. */
  more?: (sql: Sql) => Fragment
  /** That row where nothing matches, if that is to be expected: then it is looked for first, which is soon done. */
  ofNone?: More
  /** Jobs that are none of the set, and would be if it were asked for again after the world has gone on. */
  except?: (more: More) => readonly number[]
}

/**
 * Counts what a change would touch, in one moment, and signs it. One statement sees one moment; only where transactions
 * were open that may have written some of these jobs, a second look asks which of them had.
 * @returns the preview, and that row
 */
export async function previewChange<More = object>(
  call: Call,
  bulk: Pick<BulkChange<unknown>, 'kind' | 'filters' | 'matching' | 'time'>,
  { more = (sql) => sql`select`, ofNone, except }: Asking<More> = {},
): Promise<Seeing<More>> {
  const seeing = { bulk, more: more(call.sql) }
  const none = ofNone && (await describeNone(call.sql, bulk, ofNone))
  const first = none ?? (await describe<More>(call.sql, seeing, undefined))
  const doubtful = first.count > 0 && hasOpenTransactions(first.now)
  const {
    now,
    key,
    count,
    recent,
    pace,
    as_of,
    more: asked,
    ...about
  } = doubtful ? await again<More>(call, seeing) : first
  const snapshot = recent === null ? now : `${now}:${recent.length > mostRecent ? '' : recent.join(',')}`
  const subject = { kind: bulk.kind, filters: bulk.filters, caller: call.caller }
  const token = signToken(key, subject, { as_of, snapshot, count, excluded: except?.(asked) })
  const eta_seconds = Math.ceil(count / Math.max(1, pace ?? usualPace))
  return { preview: { token, as_of, count, ...about, eta_seconds }, more: asked }
}

/** With the moment known beforehand, which takes a transaction that keeps to it. */
const again = <More>({ sql }: Call, seeing: Describing): Promise<Described<More>> =>
  sql.begin('isolation level repeatable read read only', async (tx) => {
    const [{ now }] = await tx<[{ now: Snapshot }]>`select pg_current_snapshot()::text as now`
    return describe<More>(tx, seeing, now)
  })

/** Counts the set, where the count alone is wanted. */
export async function countMatching(
  sql: Sql,
  bulk: Pick<BulkChange<unknown>, 'matching'>,
  set: JobSet,
): Promise<number> {
  const [row] = await sql<[{ count: number }]>`select count(*) as count ${bulk.matching(sql, set)}`
  return row.count
}

interface Describing {
  bulk: Pick<BulkChange<unknown>, 'kind' | 'matching' | 'time'>
  more: Fragment
}

interface Moment extends Pick<Preview, 'as_of' | 'expires_at'> {
  now: Snapshot
  /** What the server signs with. */
  key: string | null
}

const moments = (sql: Sql): Fragment => sql`
  now() as as_of,
  now() + ${previewLifetimeSeconds}::int * interval '1 second' as expires_at,
  pg_current_snapshot()::text as now,
  (select value from jobsctl_settings where name = 'preview_key') as key`

interface Described<More> extends Moment, Omit<Preview, 'token' | 'eta_seconds'> {
  /** Jobs a second, of the last changes of this kind that took long enough to tell. */
  pace: number | null
  /** Which transactions have written those rows that may be in doubt; null where none can be. */
  recent: number[] | null
  more: More
}

/** A moment at which nothing matches; undefined where anything does. */
async function describeNone<More>(
  sql: Sql,
  bulk: Pick<BulkChange<unknown>, 'matching'>,
  more: More,
): Promise<Described<More> | undefined> {
  const [moment] = await sql<Moment[]>`
    select ${moments(sql)}
    where not exists (select ${bulk.matching(sql, { asOf: undefined, snapshot: undefined })})`
  const nothing = { count: 0, oldest: null, newest: null, bytes_estimate: 0, pace: null, recent: null }
  return moment && { ...moment, ...nothing, groups: [], owners: [], sample_ids: [], more }
}

/** @param doubt the moment, where rows may be in doubt */
async function describe<More>(
  sql: Sql,
  { bulk, more }: Describing,
  doubt: Snapshot | undefined,
): Promise<Described<More>> {
  // This very moment sees no others.
  const matching = bulk.matching(sql, { asOf: undefined, snapshot: undefined })
  const recent = doubt
    ? sql`array_agg(jobs.xmin::text::bigint) filter (where ${isWrittenRecently(sql, doubt)})`
    : sql`null::bigint[]`
  const [row] = await sql<[Described<More>]>`
    with grouped as materialized (
      -- Both ways in one pass, each of few groups: by all five columns at once there could be so many that they are sorted.
      select domain, queue, job_type, status, owner_user_id, grouping(owner_user_id) = 0 as by_owner, count(*) as count,
        min(${bulk.time(sql)}) as oldest, max(${bulk.time(sql)}) as newest, ${recent} as recent
      ${matching}
      group by grouping sets ((domain, queue, job_type, status), (owner_user_id))
    ),
    sampled as (
      select id, ${size(sql)} as size
      ${matching}
      limit ${sql.unsafe(String(sampleSize))}
    )
    select
      ${moments(sql)},
      (${pace(sql, bulk.kind)}) as pace,
      (select coalesce(sum(count), 0)::bigint from grouped where not by_owner) as count,
      ${doubt ? recentOnes(sql) : sql`null`} as recent,
      (select min(oldest) from grouped) as oldest,
      (select max(newest) from grouped) as newest,
      (select coalesce(jsonb_agg(largest), '[]') from (${groups(sql)}) as largest) as groups,
      (select coalesce(jsonb_agg(most), '[]') from (${owners(sql)}) as most) as owners,
      (select coalesce(round(avg(size) * (select sum(count) from grouped where not by_owner)), 0)::bigint from sampled) as bytes_estimate,
      (select coalesce(jsonb_agg(id), '[]') from (select id from sampled where ${hasSafeId(sql)} limit ${sampleIds}) as few) as sample_ids,
      (select to_jsonb(asked) from (${more}) as asked) as more`
  return row
}

const recentOnes = (sql: Sql): Fragment => sql`(
  select coalesce(jsonb_agg(id), '[]')
  from (select distinct unnest(recent) as id from grouped limit ${mostRecent + 1}) as ids
)`

const groups = (sql: Sql): Fragment => sql`
  select domain, queue, job_type, status, count
  from grouped
  where not by_owner
  order by count desc, domain collate "C", queue collate "C", job_type collate "C", status
  limit ${mostGroups}`

const owners = (sql: Sql): Fragment => sql`
  select owner_user_id, count
  from grouped
  where by_owner
  order by count desc, owner_user_id collate "C"
  limit ${mostOwners}`

/** Of a row on the disk, without reading what is stored apart. */
const size = staticFragment(
  (sql) => sql`
  300 + coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(result), 0)
    + coalesce(pg_column_size(error_stack), 0) + coalesce(pg_column_size(failure_timeline), 0)`,
)

const pace = (sql: Sql, kind: string): Fragment => sql`
  select (sum(affected) / sum(extract(epoch from ended_at - started_at)))::float8
  from (
    select affected, started_at, ended_at
    from (select * from job_operations order by id desc limit 200) as recent
    where kind = ${kind} and affected >= 1000 and ended_at > started_at
    limit 10
  ) as last`

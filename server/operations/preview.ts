import type { Preview } from '../../shared/bulk.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import type { Bulk, JobSet } from './bulk.ts'
import type { Call } from './call.ts'
import { previewLife, signed } from './preview-token.ts'
import { isInDoubt, isRecent, type Seen } from './seen.ts'

const mostGroups = 100
const mostOwners = 10
const sampleSize = 200
const sampleIds = 10
/** A token of more would be too long: then what is below a savepoint cannot be told apart. */
const mostRecent = 500
/** Jobs a second, as long as no change of this kind has been big enough to tell. */
const usualPace = 5000

/** What a preview says of its moment, beside what the caller asks for more. */
interface Seeing<More> {
  preview: Preview
  more: More
}

/**
 * Counts what a change would touch, in one moment, and signs it. `more` is asked at the same moment.
 * @returns the preview, and what `more` returned
 */
export async function preview<More>(
  call: Call,
  bulk: Pick<Bulk<unknown>, 'kind' | 'filters' | 'matching' | 'time'>,
  more: (tx: Sql, set: JobSet) => Promise<More>,
): Promise<Seeing<More>> {
  return call.sql.begin('isolation level repeatable read read only', async (tx) => {
    const { as_of, expires_at, now } = await moment(tx)
    const set: JobSet = { asOf: as_of, seen: undefined } // this very moment sees no others
    const { count, recent, ...about } = await describe(tx, bulk, set, now)
    const seen = recent === null || recent.length > mostRecent ? now : `${now}:${recent.join(',')}`
    const subject = { kind: bulk.kind, filters: bulk.filters, caller: call.caller }
    const token = await signed(tx, subject, { as_of, seen, count })
    const eta_seconds = Math.ceil(count / (await paceOf(tx, bulk.kind)))
    return { preview: { token, as_of, expires_at, count, ...about, eta_seconds }, more: await more(tx, set) }
  })
}

/** Counts the set, where the count alone is wanted. */
export async function count(sql: Sql, bulk: Pick<Bulk<unknown>, 'matching'>, set: JobSet): Promise<number> {
  const [row] = await sql<[{ count: number }]>`select count(*) as count ${bulk.matching(sql, set)}`
  return row.count
}

async function moment(tx: Sql) {
  const [row] = await tx<[{ as_of: string; expires_at: string; now: Seen }]>`
    select
      now() as as_of,
      now() + ${previewLife}::int * interval '1 second' as expires_at,
      pg_current_snapshot()::text as now`
  return row
}

interface Described extends Omit<Preview, 'token' | 'as_of' | 'expires_at' | 'eta_seconds'> {
  /** Which transactions have written those rows that may be in doubt; null where none can be. */
  recent: number[] | null
}

async function describe(
  tx: Sql,
  { matching, time }: Pick<Bulk<unknown>, 'matching' | 'time'>,
  set: JobSet,
  now: Seen,
): Promise<Described> {
  const recent = isInDoubt(now)
    ? tx`array_agg(jobs.xmin::text::bigint) filter (where ${isRecent(tx, now)})`
    : tx`null::bigint[]`
  const [row] = await tx<[Described]>`
    with grouped as (
      select domain, queue, job_type, status, owner_user_id, count(*) as count, min(${time(tx)}) as oldest, max(${time(tx)}) as newest,
        ${recent} as recent
      ${matching(tx, set)}
      group by domain, queue, job_type, status, owner_user_id
    ),
    sampled as (
      select id, ${size(tx)} as size
      ${matching(tx, set)}
      limit ${tx.unsafe(String(sampleSize))}
    )
    select
      (select coalesce(sum(count), 0)::bigint from grouped) as count,
      ${isInDoubt(now) ? recentOnes(tx) : tx`null`} as recent,
      (select min(oldest) from grouped) as oldest,
      (select max(newest) from grouped) as newest,
      (select coalesce(jsonb_agg(largest), '[]') from (${groups(tx)}) as largest) as groups,
      (select coalesce(jsonb_agg(most), '[]') from (${owners(tx)}) as most) as owners,
      (select coalesce(round(avg(size) * (select sum(count) from grouped)), 0)::bigint from sampled) as bytes_estimate,
      (select coalesce(jsonb_agg(id), '[]') from (select id from sampled limit ${sampleIds}) as few) as sample_ids`
  return row
}

const recentOnes = (sql: Sql): Fragment => sql`(
  select coalesce(jsonb_agg(id), '[]')
  from (select distinct unnest(recent) as id from grouped limit ${mostRecent + 1}) as ids
)`

const groups = (sql: Sql): Fragment => sql`
  select domain, queue, job_type, status, sum(count)::bigint as count
  from grouped
  group by domain, queue, job_type, status
  order by count desc, domain collate "C", queue collate "C", job_type collate "C", status
  limit ${mostGroups}`

const owners = (sql: Sql): Fragment => sql`
  select owner_user_id, sum(count)::bigint as count
  from grouped
  group by owner_user_id
  order by count desc, owner_user_id collate "C"
  limit ${mostOwners}`

/** Of a row on the disk, without reading what is stored apart. */
const size = (sql: Sql): Fragment => sql`
  300 + coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(result), 0)
    + coalesce(pg_column_size(error_stack), 0) + coalesce(pg_column_size(failure_timeline), 0)`

/** Jobs a second, of the last changes of this kind that took long enough to tell. */
async function paceOf(tx: Sql, kind: string): Promise<number> {
  const [row] = await tx<[{ pace: number | null }]>`
    select (sum(affected) / sum(extract(epoch from ended_at - started_at)))::float8 as pace
    from (
      select affected, started_at, ended_at
      from (select * from job_operations order by id desc limit 200) as recent
      where kind = ${kind} and affected >= 1000 and ended_at > started_at
      limit 10
    ) as last`
  return Math.max(1, row.pace ?? usualPace)
}

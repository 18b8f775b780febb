import { inQueueScope, inScope, type Narrowed } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { EngineHistory, HistorySlice, KeptJobs } from '../adapter.ts'
import type { Found } from '../found.ts'
import { quotedText } from '../parts/sql-text.ts'
import { projectionOf } from './projection.ts'

function isIndexed({ indexes }: Pick<Found, 'indexes'>): boolean {
  return indexes.has('i15') && indexes.has('i16')
}

/** Jobs by their times: the indexes of pg-boss from 12.38 on begin with the queue, so that each queue is read by itself. */
export const history: EngineHistory = {
  notTold: [],
  isIndexed,
  howToIndex: () => 'pg-boss from 12.38 on has it',
  ended: (sql, found, slice) => jobsWithin(sql, found, slice, 'native_ended'),
  created: (sql, found, slice) => jobsWithin(sql, found, slice, 'created_at'),
  begun: (sql, found, { scope, most }) =>
    ofPlace(sql, found, {
      scope,
      most,
      where: sql`jobs.native_state in ('active', 'retry') and jobs.started_at is not null`,
    }),
  kept: readKept,
}

const jobsWithin = (sql: Sql, found: Found, slice: HistorySlice, time: 'native_ended' | 'created_at') => {
  const at = sql.unsafe(`jobs.${time}`)
  const where = sql`${at} >= to_timestamp(${slice.from}::float8) and ${at} < to_timestamp(${slice.to}::float8)`
  return ofPlace(sql, found, { ...slice, where })
}

interface Wanted extends Pick<HistorySlice, 'scope' | 'most'> {
  /** A condition on `jobs`. */
  where: Fragment
}

function ofPlace(sql: Sql, place: Found, { scope, most, where }: Wanted): Fragment {
  const jobs = sql.unsafe(`${projectionOf(place)} as jobs`)
  const first = sql.unsafe(`limit ${most + 1}`)
  const times = sql`
    select domain, queue, status, created_at, available_at, started_at, native_ended as ended_at, nullif(native_kept_seconds, 0) as kept_seconds
    from ${jobs}`
  if (!isIndexed(place)) return sql`(${times} where ${where} ${inScope(sql, scope)} ${first})`
  return sql`
    (
      select of_queue.*
      from ${queuesOf(sql, place, scope)} as q
      cross join lateral (${times} where jobs.queue = q.queue and ${where} ${inScope(sql, scope)} ${first}) as of_queue
      ${first}
    )`
}

/** The queues of a scope, as a query in parentheses with the column `queue`. */
const queuesOf = (sql: Sql, { schema, domain }: Found, scope: Narrowed): Fragment => sql`
  (
    select queue
    from (select ${sql.unsafe(quotedText(domain))}::text as domain, name as queue from ${sql.unsafe(schema)}.queue) as every
    where true ${inQueueScope(sql, scope)}
  )`

/**
 * When pg-boss deletes jobs: an ended one after `deletion_seconds` (0: never), and one that has not begun after `retention_seconds`. In 10.x an
 * option of its constructor decides, which no table has: every job may be deleted.
 */
async function readKept(sql: Sql, place: Found, scope: Narrowed): Promise<KeptJobs> {
  const since = place.columns.has('deletion_seconds')
    ? sql`greatest(
        min(queue.created_on),
        max(now() - least(nullif(queue.deletion_seconds, 0), nullif(queue.retention_seconds, 0)) * interval '1 second')
      )`
    : sql`max(now())`
  const [row] = await sql<[KeptJobs]>`
    select extract(epoch from ${since})::float8 as since, coalesce(max(queue.expire_seconds), 900)::float8 as longest_run
    from ${queuesOf(sql, place, scope)} as q
    join ${sql.unsafe(place.schema)}.queue as queue on queue.name = q.queue`
  return row
}

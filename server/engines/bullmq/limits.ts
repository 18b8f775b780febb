import type { Facts, Finding } from '../../../shared/explain/reason.ts'
import type { Throttle } from '../../../shared/queues/throttle.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { EngineQueue } from '../adapter.ts'
import type { Found } from '../found.ts'
import { placeWith } from '../parts/in-places.ts'
import { timeOf } from './projection.ts'

interface Limits extends Omit<Facts['rate_limited'], 'until' | 'domain' | 'queue'> {
  concurrency: number | null
  running: number | null
  /** When the window of the rate limit ends; null where none has begun. */
  until: string | null
}

/** An SQL expression: a limit that BullMQ keeps for a queue; null without one. */
const limitOf = (sql: Sql, of: Fragment, queue: string, field: 'concurrency' | 'max' | 'duration'): Fragment => sql`
  (
    select case when value ~ '^[0-9]{1,9}$' then value::int end
    from ${of}.meta
    where queue = ${queue}::text and field = ${field}::text
  )`

/** The global concurrency of a queue, and its global rate limit. */
export async function readLimits(sql: Sql, found: readonly Found[], { domain, queue }: EngineQueue): Promise<Throttle> {
  const place = placeWith(found, { domain })
  if (!place?.beside.has('rate_limit')) return { running: null, per_minute: null }
  const of = sql.unsafe(place.schema)
  const [limits] = await sql<[Throttle]>`
    select
      ${limitOf(sql, of, queue, 'concurrency')} as running,
      (${limitOf(sql, of, queue, 'max')} * 60000.0 / nullif(${limitOf(sql, of, queue, 'duration')}, 0))::float8 as per_minute`
  return limits
}

/** What `queue.rateLimit()` writes as the number of jobs that have begun. */
const byHand = '9007199254740991'

/**
 * What BullMQ holds the jobs of a queue back by: as many run as its global concurrency lets, or as many have begun in a window as its rate limit lets.
 * The limiter of a worker is in no table: only its window is.
 * @param id of a job, which the limits hold back only while it waits; without it, any job of the queue is meant
 */
export async function findLimits(
  sql: Sql,
  found: readonly Found[],
  { domain, queue, id }: EngineQueue & { id?: string },
): Promise<Finding[]> {
  const place = placeWith(found, { domain })
  if (!place?.beside.has('rate_limit')) return []
  const of = sql.unsafe(place.schema)
  const [limits] = await sql<[Limits?]>`
    select
      concurrency,
      case
        when concurrency is not null
        then (select count(*) from ${of}.job as j where j.queue = ${queue}::text and j.state = 'active')
      end as running,
      most as of, ${sql.unsafe(timeOf('rate.expire_at_ms'))} as until,
      extract(epoch from ${sql.unsafe(timeOf('rate.expire_at_ms'))} - now())::float8 as seconds,
      case when rate.points < ${byHand}::bigint then rate.points end as begun
    from (select ${limitOf(sql, of, queue, 'concurrency')} as concurrency, ${limitOf(sql, of, queue, 'max')} as most) as limits
    left join ${of}.rate_limit as rate
      on rate.queue = ${queue}::text and rate.expire_at_ms > extract(epoch from now()) * 1000
    where ${id ?? null}::text is null or exists (
      select from ${of}.job as j where j.queue = ${queue}::text and j.id = ${id ?? null}::text and j.state in ('waiting', 'delayed')
    )`
  if (!limits) return []
  const { concurrency, running, until, ...rate } = limits
  const none = { since: null, by: null, why: null, per_minute: null }
  const isFull = concurrency !== null && running !== null && running >= concurrency
  const isOver = rate.of === null || rate.begun === null || rate.begun >= rate.of
  return [
    ...(isFull
      ? [{ code: 'throttled' as const, remedy: null, facts: { domain, queue, running, of: concurrency, ...none } }]
      : []),
    ...(until !== null && isOver ? [{ code: 'rate_limited' as const, facts: { domain, queue, until, ...rate } }] : []),
  ]
}

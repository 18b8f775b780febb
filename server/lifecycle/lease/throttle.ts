import type { Limited, Throttle } from '../../../shared/queues/throttle.ts'
import { isLocked } from '../../database/errors/failure.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import type { Fragment, Pool, Sql, Transaction } from '../../database/sql.ts'
import { limitIdleTime } from '../../database/timeouts.ts'
import { isRunningIn, leaseEnd, type Queue } from './due.ts'

/** An SQL condition: the queue is throttled, so that its jobs are leased under the lock of its throttle alone. */
export const isThrottled = (sql: Sql, { domain, queue }: Queue): Fragment => sql`
  exists (select from jobsctl_limits where domain = ${domain} and queue = ${queue})`

/** What was leased of a throttled queue. */
export interface UnderThrottle<Leased> {
  /** Undefined where nothing may be leased now. */
  leased?: Leased | undefined
  /** Set where fewer jobs could be leased than were asked for. */
  limited?: Limited
  /** Nothing was leased, because expired leases must be reclaimed before. */
  expired?: true
}

interface Leasing<Leased> {
  /** The number of jobs that are asked for. */
  wanted: number
  /** Leases nothing where a lease of the queue has expired. */
  atLeases: boolean
  /** Leases at most `limit` jobs, in a statement that looks at no throttle. */
  lease: (tx: Transaction, limit: number) => Promise<Leased>
  /** The number of jobs that were leased. */
  count: (leased: Leased) => number
}

/**
 * Leases jobs of a throttled queue: as many as have a place. The row of the throttle is locked first, and the running jobs are counted in a
 * statement after it. A count in the statement that waits for the lock has an older snapshot, so that two servers would fill the same place.
 * @param sql the pool of workers, of whose connections the leases of one queue take one at a time
 * @throws what `lease` throws; the error of PostgreSQL where another server holds the lock for longer than the lock timeout
 */
export const leaseUnderThrottle = <Leased>(
  sql: Pool,
  queue: Queue,
  leasing: Leasing<Leased>,
): Promise<UnderThrottle<Leased>> =>
  inTurn(sql, queue, async () => {
    const leased = await retryDeadlock(() =>
      sql.begin('isolation level read committed', (tx) => leaseLocked(tx, queue, leasing)),
    )
    if (!leased.isThrottled) turnsOf(sql).delete(keyOf(queue))
    return leased
  })

async function leaseLocked<Leased>(
  tx: Transaction,
  queue: Queue,
  { wanted, atLeases, lease, count }: Leasing<Leased>,
): Promise<UnderThrottle<Leased> & { isThrottled: boolean }> {
  // Sent together. The second statement begins after the first one has the lock, and so does its snapshot.
  const [throttle, use] = await Promise.all([lockThrottle(tx, queue), readUse(tx, queue, wanted)])
  // Somebody may have ended the throttle since the call saw it.
  if (!throttle || !use) return { leased: await lease(tx, wanted), isThrottled: false }
  if (atLeases && use.expired) return { expired: true, isThrottled: true }
  const limit = Math.min(wanted, placesOf(throttle, use))
  const leased = limit > 0 ? await lease(tx, limit) : undefined
  const began = leased === undefined ? 0 : count(leased)
  if (began > 0 && throttle.per_minute !== null) await moveOn(tx, queue, throttle.per_minute)
  if (limit === wanted) return { leased, isThrottled: true }
  const { running: of, per_minute } = throttle
  const numbers = of === null ? { running: null, others: null } : { running: use.running + began, others: use.others }
  // The job that began just now has the next share of the minute.
  const wait = began > 0 && per_minute !== null ? 60 / per_minute : use.wait
  return { leased, limited: { ...numbers, of, per_minute, retry_in_seconds: wait }, isThrottled: true }
}

/** The row is locked; the transaction ends after 10 s idle, so that a frozen server does not hold it for longer. */
async function lockThrottle(tx: Transaction, { domain, queue }: Queue): Promise<Throttle | undefined> {
  const [throttle] = await tx<(Throttle & { idle: string })[]>`
    select running, per_minute, ${limitIdleTime(tx)} as idle
    from jobsctl_limits
    where domain = ${domain} and queue = ${queue}
    for update`
  return throttle
}

/** The running jobs of a queue, and the seconds until its rate lets the next job begin. */
interface Use {
  running: number
  /** A lease among them has expired. */
  expired: boolean
  /** Null where there are places for all that are wanted. */
  others: number | null
  wait: number
}

/**
 * Reads what runs. A job that a server leased has an event of the same moment with the end of its lease; workers in plain SQL write none, or
 * one without it. The time until the next job is at most the time between two jobs, so that a clock that was set back does not stop the queue.
 */
async function readUse(sql: Sql, { domain, queue }: Queue, wanted: number): Promise<Use | undefined> {
  const [use] = await sql<Use[]>`
    with throttle as materialized (
      select running, per_minute, next_at from jobsctl_limits where domain = ${domain} and queue = ${queue}
    ),
    running as materialized (
      select id, acquired_at
      from jobs
      where ${isRunningIn(sql, { domain, queue })}
      limit (select coalesce(running + 1, 0) from throttle)
    )
    select
      (select count(*) from running) as running,
      exists (select from jobs where ${isRunningIn(sql, { domain, queue })} and ${leaseEnd(sql)} < now()) as expired,
      -- LEAST takes no notice of a null.
      case when next_at is null or per_minute is null then 0 else greatest(
        extract(epoch from least(next_at - clock_timestamp(), interval '1 minute' / per_minute)), 0
      ) end::float8 as wait,
      case
        when (select count(*) from running) + ${wanted}::int > running then (
          select count(*)
          from running
          where not exists (
            select from job_events as event
            where event.job_id = running.id and event.event_type = 'job.acquired' and event.created_at >= running.acquired_at
              and event.attrs_json ? 'leased_until'
          )
        )
      end as others
    from throttle`
  return use
}

/** By its rate, a queue lets one job at a time begin. */
function placesOf({ running: most, per_minute }: Throttle, { running, wait }: Use): number {
  const places = most === null ? Number.POSITIVE_INFINITY : Math.max(0, most - running)
  if (per_minute === null) return places
  return wait > 0 ? 0 : Math.min(1, places)
}

/** The generic cell rate algorithm with a burst of one: the next job may begin when its share of the minute is over. */
const moveOn = (sql: Sql, { domain, queue }: Queue, per_minute: number) => sql`
  update jobsctl_limits
  set next_at = clock_timestamp() + interval '1 minute' / ${per_minute}::int
  where domain = ${domain} and queue = ${queue}`

/** The throttled queues of a server: the last lease of each that has begun, which is over for most of them. */
const turns = new WeakMap<object, Map<string, Promise<unknown>>>()

const turnsOf = (sql: Pool): Map<string, Promise<unknown>> => {
  const known = turns.get(sql) ?? new Map<string, Promise<unknown>>()
  turns.set(sql, known)
  return known
}

const keyOf = ({ domain, queue }: Queue): string => JSON.stringify([domain, queue])

/** The most queues whose throttles are remembered. */
const most = 1000

/** True where the last lease found the queue throttled: a look at its gate is not needed. */
export const isKnownThrottled = (sql: Pool, queue: Queue): boolean => turnsOf(sql).has(keyOf(queue))

/**
 * Waits until the lease of a throttled queue that runs has ended, so that the calls that come meanwhile share the next one.
 * @returns true where the queue is known to be throttled
 */
export async function awaitTurn(sql: Pool, queue: Queue): Promise<boolean> {
  await turnsOf(sql)
    .get(keyOf(queue))
    ?.catch(() => {})
  return isKnownThrottled(sql, queue)
}

/**
 * Runs the leases of one queue one after the other: those of a throttled queue wait for the same row, and would take all connections of
 * workers to do so. Where the row is not given within the lock timeout, the leases that wait for their turn fail with it.
 */
function inTurn<Result>(sql: Pool, queue: Queue, run: () => Promise<Result>): Promise<Result> {
  const queues = turnsOf(sql)
  const key = keyOf(queue)
  const before = queues.get(key) ?? Promise.resolve()
  const mine = before.then(run, (error: unknown) => {
    if (isLocked(error)) throw error
    return run()
  })
  queues.delete(key)
  queues.set(key, mine)
  for (const oldest of queues.keys()) {
    if (queues.size <= most) break
    queues.delete(oldest)
  }
  return mine
}

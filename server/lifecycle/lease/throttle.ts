import type { Limited, Throttle } from '../../../shared/queues/throttle.ts'
import { isLocked } from '../../database/errors/failure.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import type { Fragment, Pool, Sql, Transaction } from '../../database/sql.ts'
import { limitIdleTime } from '../../database/timeouts.ts'
import { isRunningIn, type Queue } from './due.ts'

/** An SQL condition: the queue is throttled, so that its jobs are leased under the lock of its throttle alone. */
export const isThrottled = (sql: Sql, { domain, queue }: Queue): Fragment => sql`
  exists (select from jobsctl_limits where domain = ${domain} and queue = ${queue})`

/** What was leased of a throttled queue. */
export interface UnderThrottle<Leased> {
  /** Undefined where nothing may be leased now. */
  leased: Leased | undefined
  /** Set where fewer jobs could be leased than were asked for. */
  limited: Limited | undefined
}

interface Leasing<Leased> {
  /** The number of jobs that are asked for. */
  wanted: number
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
  inTurn(sql, queue, () =>
    retryDeadlock(() => sql.begin('isolation level read committed', (tx) => leaseInTurn(tx, queue, leasing))),
  )

async function leaseInTurn<Leased>(
  tx: Transaction,
  queue: Queue,
  { wanted, lease, count }: Leasing<Leased>,
): Promise<UnderThrottle<Leased>> {
  const throttle = await lockThrottle(tx, queue)
  // Somebody has ended the throttle since the call saw it.
  if (!throttle) return { leased: await lease(tx, wanted), limited: undefined }
  const use = await readUse(tx, queue, { running: throttle.running, wanted })
  const limit = Math.min(wanted, placesOf(throttle, use))
  const leased = limit > 0 ? await lease(tx, limit) : undefined
  const began = leased === undefined ? 0 : count(leased)
  if (began > 0 && throttle.per_minute !== null) await moveOn(tx, queue, throttle.per_minute)
  if (limit === wanted) return { leased, limited: undefined }
  const { running: of, per_minute } = throttle
  const numbers = of === null ? { running: null, others: null } : { running: use.running + began, others: use.others }
  return { leased, limited: { ...numbers, of, per_minute, retry_in_seconds: use.wait } }
}

async function lockThrottle(tx: Transaction, { domain, queue }: Queue): Promise<Throttle | undefined> {
  await tx`select ${limitIdleTime(tx)}`
  const [throttle] = await tx<Throttle[]>`
    select running, per_minute from jobsctl_limits where domain = ${domain} and queue = ${queue} for update`
  return throttle
}

/** The running jobs of a queue, and the seconds until its rate lets the next job begin. */
interface Use {
  running: number
  /** Null where there are places for all that are wanted. */
  others: number | null
  wait: number
}

/**
 * Reads what runs. A job that a server leased has an event of the same moment with the end of its lease; workers in plain SQL write none, or
 * one without it. The time until the next job is at most the time between two jobs, so that a clock that was set back does not stop the queue.
 */
async function readUse(
  sql: Sql,
  { domain, queue }: Queue,
  { running, wanted }: Pick<Throttle, 'running'> & { wanted: number },
): Promise<Use> {
  const [use] = await sql<[Use]>`
    with running as materialized (
      select id, acquired_at
      from jobs
      where ${isRunningIn(sql, { domain, queue })}
      limit ${running === null ? 0 : running + 1}
    )
    select
      (select count(*) from running) as running,
      -- LEAST takes no notice of a null.
      case when next_at is null or per_minute is null then 0 else greatest(
        extract(epoch from least(next_at - clock_timestamp(), interval '1 minute' / per_minute)), 0
      ) end::float8 as wait,
      case
        when (select count(*) from running) + ${wanted}::int > ${running ?? null}::int then (
          select count(*)
          from running
          where not exists (
            select from job_events as event
            where event.job_id = running.id and event.event_type = 'job.acquired' and event.created_at >= running.acquired_at
              and event.attrs_json ? 'leased_until'
          )
        )
      end as others
    from jobsctl_limits
    where domain = ${domain} and queue = ${queue}`
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

/** The last lease of each queue that has begun, by the pool of its server. */
const turns = new WeakMap<Pool, Map<string, Promise<unknown>>>()

/**
 * Runs the leases of one queue one after the other: those of a throttled queue wait for the same row, and would take all connections of
 * workers to do so. Where the row is not given within the lock timeout, the leases that wait for their turn fail with it.
 */
function inTurn<Result>(sql: Pool, { domain, queue }: Queue, run: () => Promise<Result>): Promise<Result> {
  const queues = turns.get(sql) ?? new Map<string, Promise<unknown>>()
  turns.set(sql, queues)
  const key = JSON.stringify([domain, queue])
  const before = queues.get(key) ?? Promise.resolve()
  const mine = before.then(run, (error: unknown) => {
    if (isLocked(error)) throw error
    return run()
  })
  queues.set(key, mine)
  const leave = () => {
    if (queues.get(key) === mine) queues.delete(key)
  }
  mine.then(leave, leave)
  return mine
}

import { mostOfWorkers } from '../../../shared/queues/most-of-workers.ts'
import type { WorkerRow } from '../../../shared/queues/workers.ts'
import type { Listing } from '../../call.ts'
import { endedAt, isInState } from '../../database/job-filter.ts'
import { inScope, isMarkWithin, isWithin, type Within } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { limitReadTime } from '../../database/timeouts.ts'
import type { SeenWorker } from '../../engines/adapter.ts'
import { fromEachPlace } from '../../engines/served.ts'
import { isRunningIn } from '../../lifecycle/lease/due.ts'
import { queueKey } from '../../waiting/long-poll.ts'
import type { InputOf } from '../handlers.ts'
import { readThrottles } from './queues.ts'

type Scope = Within<InputOf<'listWorkers'>>

const { jobs: mostScanned, workers: mostWorkers } = mostOfWorkers

/** The most queues of a worker in an answer. */
const mostQueues = 20

/**
 * The workers of a scope, those with the most running jobs first, with the header `X-Complete`: `false` where there are more
 * jobs or workers than are read.
 */
export async function listWorkers(call: Listing, asked: InputOf<'listWorkers'>): Promise<WorkerRow[]> {
  const { rows, throttles } = await call.sql.begin(async (tx) => {
    await tx`select ${limitReadTime(tx)}`
    const scope = { ...asked, within: call.within }
    const known = await fromEachPlace(tx, ({ adapter, found }, of) => adapter.workers(of, found, scope))
    return known
      ? { rows: known.toSorted((one, other) => other.leases - one.leases), throttles: [] }
      : { rows: await readWorkers(tx, scope), throttles: await readThrottles(tx, mostScanned) }
  })
  const limits = new Map(throttles.map(({ domain, queue, ...limit }) => [queueKey({ domain, queue }), limit]))
  const isComplete = rows.length <= mostWorkers && rows.every(({ is_complete }) => is_complete)
  call.addHeader('X-Complete', String(isComplete))
  return rows.slice(0, mostWorkers).map(({ is_complete: _, queues, ...row }) => ({
    ...row,
    queues: queues.slice(0, mostQueues).map(([domain, queue]) => {
      const throttle = limits.get(queueKey({ domain, queue }))
      return throttle ? { domain, queue, throttle } : { domain, queue }
    }),
  }))
}

/** One row for each worker of the scope, and one more than the answer has where there are more. */
export function readWorkers(sql: Sql, scope: Scope) {
  const { domain, queue, within } = scope
  const bound = sql.unsafe(`limit ${mostScanned + 1}`)
  const isRunning =
    domain && queue
      ? sql`${isRunningIn(sql, { domain, queue })} ${isWithin(sql, within)}`
      : sql`${isInState(sql, 'processing')} ${inScope(sql, scope)}`
  return sql<SeenWorker[]>`
    with running as materialized (
      select worker_id, domain, queue, acquired_at, updated_at, (leased_until > now()) is true as valid
      from jobs
      where ${isRunning}
      ${bound}
    ),
    ended as materialized (
      select worker_id, domain, queue, acquired_at, status
      from jobs
      where ${endedAt(sql)} > now() - interval '15 minutes' and ${endedAt(sql)} <= now() ${isWithin(sql, within)}
      order by ${endedAt(sql)} desc, id desc
      ${bound}
    ),
    seen as (
      select
        worker_id, domain, queue, 1 as leases, (not valid)::int as expired, acquired_at as held_since, acquired_at,
        case when updated_at > acquired_at then updated_at end as renewed_at, null::timestamptz as asked_at,
        0 as done, 0 as failed
      from running
      union all
      select
        worker_id, domain, queue, 0, 0, null, acquired_at, null, null,
        (status = 'completed')::int, (status in ('failed', 'quarantined'))::int
      from ended
      where worker_id is not null ${inScope(sql, { domain, queue })}
      union all
      select worker_id, domain, queue, 0, 0, null, null, null, asked_at, 0, 0
      from jobsctl_worker_marks
      where true ${inScope(sql, { domain, queue })} ${isMarkWithin(sql, within)}
    )
    select
      worker_id, sum(leases) as leases, sum(expired) as expired, min(held_since) as oldest_lease_at,
      max(asked_at) as last_asked_at, max(acquired_at) as last_acquired_at, max(renewed_at) as last_renewed_at,
      sum(done) as done_15m, sum(failed) as failed_15m,
      jsonb_agg(distinct jsonb_build_array(domain, queue)) as queues,
      (select count(*) from running) <= ${mostScanned}::int and (select count(*) from ended) <= ${mostScanned}::int as is_complete
    from seen
    group by worker_id
    order by sum(leases) desc, greatest(max(asked_at), max(acquired_at)) desc nulls last, worker_id collate "C"
    limit ${sql.unsafe(String(mostWorkers + 1))}`
}

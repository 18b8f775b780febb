import type { StoppedQueue } from '../../../shared/queues/queues.ts'
import type { Throttle } from '../../../shared/queues/throttle.ts'
import type { Acting, Reading } from '../../call.ts'
import { isQueueWithin } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { narrowedTo, servedBy } from '../../engines/served.ts'
import { hasReach } from '../engine-reach.ts'
import type { InputOf, OutputOf } from '../handlers.ts'
import { statedReason } from './stated-reason.ts'

/** The state of a queue, and its threshold where one is set; a queue that was never stopped runs, and so does one outside of the scope. */
export async function queueStatus(
  { sql, within }: Reading,
  { domain, queue }: InputOf<'queueStatus'>,
): Promise<OutputOf<'queueStatus'>> {
  const [row] = await sql<QueueRow[]>`
    select coalesce(paused, false) as paused, coalesce(drain, false) as drain, quarantine_threshold, ${throttleOf(sql)} as throttle
    from (select ${domain}::text as domain, ${queue}::text as queue) as named
    left join job_queue_controls using (domain, queue)
    left join jobsctl_queues using (domain, queue)
    left join jobsctl_limits as limits using (domain, queue)
    where true ${isQueueWithin(sql, within)}`
  const { quarantine_threshold = null, throttle = null, ...state } = row ?? { paused: false, drain: false }
  // The answer of a queue without a threshold and a throttle has the two fields that existing clients know.
  return { ...state, ...(quarantine_threshold !== null && { quarantine_threshold }), ...(throttle && { throttle }) }
}

interface QueueRow extends Omit<OutputOf<'queueStatus'>, 'throttle'> {
  throttle: Throttle | null
}

/** The throttle of the row `limits` of a left join; null where there is none. */
const throttleOf = (sql: Sql): Fragment => sql`
  case when limits.domain is not null then jsonb_build_object('running', limits.running, 'per_minute', limits.per_minute) end`

/** What queues are throttled to, at most `most` of them, in the order of their names. */
export const readThrottles = (sql: Sql, most: number) => sql<({ domain: string; queue: string } & Throttle)[]>`
  select domain, queue, running, per_minute
  from jobsctl_limits
  order by domain collate "C", queue collate "C"
  limit ${most}`

/**
 * The queues that are paused or draining, with the reason of the stop where one was given through this API; and those that have a threshold
 * or a throttle, where the request asks for them. Beside own jobs those of other engines are among them, as far as the caller reaches these.
 */
export async function listQueues(
  call: Reading & Pick<Acting, 'caller'>,
  request: InputOf<'stoppedQueues'>,
): Promise<StoppedQueue[]> {
  const { sql, within } = call
  const queues = await knownQueues(call, request)
  const { mode, places } = servedBy(sql)
  if (mode !== 'own') return queues
  for (const place of places)
    if (place.adapter.sources && (await hasReach(sql, place, call)))
      queues.push(...(await stoppedQueues({ sql: narrowedTo(sql, place), within })))
  return queues
}

async function knownQueues(
  call: Reading,
  { thresholds = false, throttles = false }: InputOf<'stoppedQueues'>,
): Promise<StoppedQueue[]> {
  if (!thresholds && !throttles) return stoppedQueues(call)
  const { sql, within } = call
  return [
    ...(await sql<StoppedQueue[]>`
      select
        domain, queue, coalesce(paused, false) as paused, coalesce(drain, false) as drain, stopped.updated_at, stated.reason,
        quarantine_threshold, ${throttleOf(sql)} as throttle
      from (select * from job_queue_controls where paused or drain) as stopped
      full join (
        select domain, queue, quarantine_threshold from jobsctl_queues where ${thresholds}::bool and quarantine_threshold is not null
      ) as of_queue using (domain, queue)
      full join (select * from jobsctl_limits where ${throttles}::bool) as limits using (domain, queue)
      left join ${statedReason(sql, sql`stopped`)} as stated on true
      where true ${isQueueWithin(sql, within)}
      order by domain collate "C", queue collate "C"`),
  ]
}

/** The queues that are paused or draining. */
export const stoppedQueues = async ({
  sql,
  within,
}: {
  sql: Sql
  within: Acting['within']
}): Promise<StoppedQueue[]> => [
  ...(await sql<StoppedQueue[]>`
    select
      domain, queue, coalesce(paused, false) as paused, coalesce(drain, false) as drain, updated_at, stated.reason
    from job_queue_controls stopped
    left join ${statedReason(sql, sql`stopped`)} as stated on true
    where (paused or drain) ${isQueueWithin(sql, within)}
    order by domain collate "C", queue collate "C"`),
]

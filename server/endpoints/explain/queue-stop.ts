import type { Finding } from '../../../shared/explain/reason.ts'
import type { Throttle } from '../../../shared/queues/throttle.ts'
import { callerName } from '../../auth/oidc/known-callers.ts'
import type { Telling } from '../../call.ts'
import { isQueueWithin, type Within } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { isRunningIn, leaseEnd, type Queue } from '../../lifecycle/lease/due.ts'
import { statedReason, stoppedBy } from '../queues/stated-reason.ts'

interface Stop {
  drain: boolean | null
  since: string | null
  by: string | null
  why: string | null
}

/** Whether a queue is stopped, since when, by whom and why. Another program that stops a queue leaves the time at most. */
export async function findStop(
  sql: Sql,
  { domain, queue, within }: Within<Queue>,
  { redactor: { text }, may }: Telling,
): Promise<Finding[]> {
  const [stop] = await sql<Stop[]>`
    select drain, updated_at as since, ${callerName(sql, sql`decision.caller`, may)} as by, stated.reason as why
    from job_queue_controls stopped
    left join ${statedReason(sql, sql`stopped`)} as stated on true
    left join ${stoppedBy(sql, sql`stopped`)} as decision on true
    where stopped.domain = ${domain}::text and stopped.queue = ${queue}::text and (paused or drain)
      ${isQueueWithin(sql, within, sql`stopped`)}
    limit 1`
  if (!stop) return []
  const { drain, since, by, why } = stop
  const facts = { domain, queue, since, by, why: why === null ? null : text(why) }
  return [{ code: drain ? 'queue_draining' : 'queue_paused', facts }]
}

/** A throttle, who set it and why, and how many jobs run under it now. */
export interface Throttled extends Throttle {
  since: string
  by: string | null
  why: string | null
  now_running: number
}

/** More running jobs than a throttle can allow, so that the count is exact wherever it can matter. */
export const mostThrottled = 10_001

/**
 * The throttle of a queue with the number of its running jobs; undefined where there is none. A job whose lease has expired does not run: the next
 * call of a worker takes it back before it counts the places.
 */
export async function readThrottle(
  sql: Sql,
  { domain, queue, within }: Within<Queue>,
  { may }: Pick<Telling, 'may'>,
): Promise<Throttled | undefined> {
  const [throttle] = await sql<Throttled[]>`
    select
      running, per_minute, updated_at as since, ${callerName(sql, sql`limits.caller`, may)} as by, reason as why,
      (
        select count(*)
        from (
          select from jobs where ${isRunningIn(sql, { domain, queue })} and ${leaseEnd(sql)} >= now() limit ${mostThrottled}
        ) as counted
      ) as now_running
    from jobsctl_limits as limits
    where domain = ${domain}::text and queue = ${queue}::text ${isQueueWithin(sql, within, sql`limits`)}`
  return throttle
}

/** That the throttle holds jobs of the queue back: as many run as may, or their rate is limited. */
export function findingsOfThrottle(
  throttle: Throttled | undefined,
  { domain, queue }: Queue,
  { redactor: { text } }: Telling,
): Finding[] {
  if (!throttle) return []
  const { running: of, per_minute, now_running, since, by, why } = throttle
  if (per_minute === null && of !== null && now_running < of) return []
  const running = of === null ? null : now_running
  return [
    {
      code: 'throttled',
      facts: { domain, queue, running, of, per_minute, since, by, why: why === null ? null : text(why) },
    },
  ]
}

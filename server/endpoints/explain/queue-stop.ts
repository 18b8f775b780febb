import type { Finding } from '../../../shared/explain/reason.ts'
import type { Redactor } from '../../database/redact.ts'
import { isQueueWithin, type Within } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import type { Queue } from '../../lifecycle/lease/due.ts'
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
  { text }: Redactor,
): Promise<Finding[]> {
  const [stop] = await sql<Stop[]>`
    select drain, updated_at as since, decision.caller as by, stated.reason as why
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

import type { z } from 'zod'
import type { QueueState, StoppedQueue, queueStatus as statusEndpoint } from '../../../shared/queues/queues.ts'
import type { Call } from '../../call.ts'
import { isQueueWithin } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { statedReason } from './stated-reason.ts'

/** The state of a queue; a queue that was never stopped runs, and so does one outside of the scope of the caller. */
export async function queueStatus(
  { sql, within }: Pick<Call, 'sql' | 'within'>,
  { domain, queue }: z.output<typeof statusEndpoint.input>,
): Promise<QueueState> {
  const [row] = await sql<QueueState[]>`
    select coalesce(paused, false) as paused, coalesce(drain, false) as drain
    from job_queue_controls
    where domain = ${domain} and queue = ${queue} ${isQueueWithin(sql, within)}`
  return row ?? { paused: false, drain: false }
}

/** The queues that are paused or draining, with the reason of the stop where one was given through this API. */
export const stoppedQueues = async ({ sql, within }: { sql: Sql; within: Call['within'] }): Promise<StoppedQueue[]> => [
  ...(await sql<StoppedQueue[]>`
    select
      domain, queue, coalesce(paused, false) as paused, coalesce(drain, false) as drain, updated_at, stated.reason
    from job_queue_controls stopped
    left join ${statedReason(sql, sql`stopped`)} as stated on true
    where (paused or drain) ${isQueueWithin(sql, within)}
    order by domain collate "C", queue collate "C"`),
]

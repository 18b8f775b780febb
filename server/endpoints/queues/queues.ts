import type { z } from 'zod'
import type { QueueState, StoppedQueue, queueStatus as statusEndpoint } from '../../../shared/queues/queues.ts'
import type { Call } from '../../call.ts'
import type { Sql } from '../../database/sql.ts'
import { statedReason } from './stated-reason.ts'

/** The state of a queue; a queue that was never stopped runs. */
export async function queueStatus(
  { sql }: Pick<Call, 'sql'>,
  { domain, queue }: z.output<typeof statusEndpoint.input>,
): Promise<QueueState> {
  const [row] = await sql<QueueState[]>`
    select coalesce(paused, false) as paused, coalesce(drain, false) as drain
    from job_queue_controls
    where domain = ${domain} and queue = ${queue}`
  return row ?? { paused: false, drain: false }
}

/** The queues that are paused or draining, with the reason of the stop where one was given through this API. */
export const stoppedQueues = async ({ sql }: { sql: Sql }): Promise<StoppedQueue[]> => [
  ...(await sql<StoppedQueue[]>`
    select
      domain, queue, coalesce(paused, false) as paused, coalesce(drain, false) as drain, updated_at, stated.reason
    from job_queue_controls stopped
    left join ${statedReason(sql, sql`stopped`)} as stated on true
    where paused or drain
    order by domain collate "C", queue collate "C"`),
]

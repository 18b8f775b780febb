import type { z } from 'zod'
import type {
  ControlRequest,
  QueueAction,
  QueueState,
  StoppedQueue,
  queueStatus as statusOperation,
} from '../../../shared/queues/queues.ts'
import type { Call } from '../../call.ts'
import { notifyQueues } from '../../lifecycle/job-events.ts'

/** What each action leaves behind; a queue that drains gives out no leases either. */
const states: Record<QueueAction, QueueState & { event: string }> = {
  pause: { paused: true, drain: false, event: 'queue.paused' },
  drain: { paused: true, drain: true, event: 'queue.drained' },
  resume: { paused: false, drain: false, event: 'queue.resumed' },
}

/** Stops a queue or starts it again, from the next call of a worker on, and records who did it and why. */
export async function controlQueue(call: Call, { domain, queue, action, reason }: ControlRequest): Promise<QueueState> {
  const { sql } = call
  const { event, ...state } = states[action]
  const attrs = { caller: call.caller, reason: reason ?? call.reason }
  await sql`
    with controlled as (
      insert into job_queue_controls (domain, queue, paused, drain, updated_at)
      values (${domain}, ${queue}, ${state.paused}, ${state.drain}, now())
      on conflict (domain, queue) do update
      set paused = excluded.paused, drain = excluded.drain, updated_at = excluded.updated_at
      returning domain, queue, paused
    ),
    told as (
      insert into job_events (domain, queue, event_type, attrs_json, request_id)
      select domain, queue, ${event}, ${JSON.stringify(attrs)}::text::jsonb, ${call.requestId}
      from controlled
    )
    ${notifyQueues(sql, sql`select domain, queue from controlled where not paused`)}`
  return state
}

/** A queue that nobody has ever stopped runs. */
export async function queueStatus(
  { sql }: Call,
  { domain, queue }: z.output<typeof statusOperation.input>,
): Promise<QueueState> {
  const [row] = await sql<QueueState[]>`
    select coalesce(paused, false) as paused, coalesce(drain, false) as drain
    from job_queue_controls
    where domain = ${domain} and queue = ${queue}`
  return row ?? { paused: false, drain: false }
}

/** What is stopped, and why: as far as it was stopped here, since other programs give no reason. */
export const stoppedQueues = async ({ sql }: Call): Promise<StoppedQueue[]> => [
  ...(await sql<StoppedQueue[]>`
    select
      domain, queue, coalesce(paused, false) as paused, coalesce(drain, false) as drain, updated_at, told.reason
    from job_queue_controls stopped
    left join lateral (
      select attrs_json ->> 'reason' as reason
      from job_events
      where domain = stopped.domain and queue = stopped.queue
        and event_type in ('queue.paused', 'queue.drained', 'queue.resumed')
        and created_at >= stopped.updated_at
      order by id desc
      limit 1
    ) as told on true
    where paused or drain
    order by domain collate "C", queue collate "C"`),
]

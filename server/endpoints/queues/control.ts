import type { z } from 'zod'
import { Failure } from '../../../shared/errors.ts'
import type {
  ControlRequest,
  controlQueue as endpoint,
  QueueAction,
  QueueState,
} from '../../../shared/queues/queues.ts'
import type { ActKind } from '../../../shared/records/acts.ts'
import { requireWithin } from '../../auth/require-scope.ts'
import { recordAct } from '../../bulk/record/act.ts'
import type { Call } from '../../call.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import { unlessFrozen } from '../../database/installation/freeze.ts'
import type { Fragment, Sql, Transaction } from '../../database/sql.ts'
import { notifyQueues } from '../../lifecycle/events/job-events.ts'
import { type ActingCall, actorOf } from '../actor.ts'
import { statedReason } from './stated-reason.ts'

/** The state that each action leaves behind; a queue that drains gives out no leases either. */
const states: Record<QueueAction, QueueState & { event: ActKind }> = {
  pause: { paused: true, drain: false, event: 'queue.paused' },
  drain: { paused: true, drain: true, event: 'queue.drained' },
  resume: { paused: false, drain: false, event: 'queue.resumed' },
}

type ControlCall = ActingCall & Pick<Call, 'sql' | 'identity' | 'within'>

/**
 * Stops a queue or starts it again, from the next call of a worker on. The reason and the time of a stop stay until the queue
 * is started again, unless the request has a reason of its own; a request that changes nothing writes nothing, and any other one has
 * an event and a sealed record.
 * @throws Failure `forbidden` outside of the scope of the caller, and where that has job types, since a queue stops as a whole;
 * `not_found` with `must_exist`, for a queue that never had a job and was never stopped
 */
export async function controlQueue(
  call: ControlCall,
  request: ControlRequest,
): Promise<z.output<typeof endpoint.output>> {
  requireWithin(call, { domain: request.domain, queue: request.queue }, `the queue ${request.domain}/${request.queue}`)
  const { event, ...state } = states[request.action]
  const row = await retryDeadlock(() => unlessFrozen(call.sql, (tx) => changeOnRecord(tx, call, request)))
  const { known, changed: _, ...before } = row ?? { known: false, changed: false, ...neverStopped }
  if (!known && request.must_exist) {
    throw new Failure('not_found', `there was never a job in ${request.domain}/${request.queue}; nothing was changed`, {
      hint: 'GET /api/v1/jobs/stats lists the queues',
    })
  }
  return { ...state, known, before }
}

interface Row extends QueueState {
  known: boolean
  changed: boolean
  updated_at: string | null
  reason: string | null
}

const neverStopped = { paused: false, drain: false, updated_at: null, reason: null }

async function changeOnRecord(tx: Transaction, call: ControlCall, request: ControlRequest): Promise<Row | undefined> {
  const { domain, queue, action } = request
  const [row] = await change({ ...call, sql: tx }, request)
  if (!row?.changed) return row
  const before = { paused: row.paused, drain: row.drain }
  await recordAct(
    tx,
    { ...actorOf(call), reason: request.reason ?? call.reason },
    { kind: states[action].event, scope: { domain, queue }, details: { before } },
  )
  return row
}

const change = ({ sql, ...call }: Omit<ControlCall, 'sql'> & { sql: Sql }, request: ControlRequest) => {
  const { domain, queue } = request
  const state = states[request.action]
  return sql<Row[]>`
    with ${before(sql, request)},
    changed as (
      insert into job_queue_controls as control (domain, queue, paused, drain, updated_at)
      select ${domain}::text, ${queue}::text, ${state.paused}::bool, ${state.drain}::bool, now()
      from before
      where (known or not ${request.must_exist}::bool)
        and ((paused, drain) <> (${state.paused}::bool, ${state.drain}::bool) or ${request.reason !== undefined}::bool)
      on conflict (domain, queue) do update
      set paused = excluded.paused, drain = excluded.drain,
          updated_at = case
            -- The time of the first stop stays, and so does its reason, which is in the events since then.
            when (control.paused or control.drain) and excluded.paused and ${request.reason === undefined}::bool then control.updated_at
            else excluded.updated_at
          end
      returning domain, queue, paused
    ),
    inserted_event as (
      insert into job_events (domain, queue, event_type, attrs_json, request_id)
      select changed.domain, changed.queue, ${state.event}::text, ${attrs(sql, call, request)}, ${call.requestId}::text
      from changed
      cross join before
    ),
    notified as (${notifyQueues(sql, sql`select domain, queue from changed where not paused`)})
    select known, paused, drain, updated_at, reason, exists (select from changed) as changed
    from before
    left join notified on true`
}

/**
 * Defines the CTE `before (known, paused, drain, updated_at, reason)`, one row: the state of the queue before the request, and
 * whether the queue ever had a job or was stopped. The row of the queue is locked, if there is one.
 */
const before = (sql: Sql, { domain, queue }: ControlRequest): Fragment => sql`
  stored as materialized (
    select coalesce(paused, false) as paused, coalesce(drain, false) as drain, domain, queue, updated_at
    from job_queue_controls
    where domain = ${domain} and queue = ${queue}
    for update
  ),
  before as materialized (
    select
      stored.domain is not null or exists (select from jobs where domain = ${domain} and queue = ${queue}) as known,
      coalesce(paused, false) as paused, coalesce(drain, false) as drain,
      case when paused or drain then updated_at end as updated_at,
      case when paused or drain then stated.reason end as reason
    from (select) as one
    left join stored on true
    left join ${statedReason(sql, sql`stored`)} as stated on true
  )`

/** The attributes of the event: the request's reason; else X-Reason, where the queue was not stopped before. */
const attrs = (sql: Sql, call: Omit<ControlCall, 'sql'>, request: ControlRequest): Fragment => sql`
  jsonb_strip_nulls(jsonb_build_object(
    'caller', ${call.caller}::text,
    'reason', coalesce(
      ${request.reason ?? null}::text,
      case when not (before.paused or before.drain) or ${request.action === 'resume'}::bool then ${call.reason ?? null}::text end
    ),
    'request_reason', case when before.paused or before.drain then ${call.reason ?? null}::text end
  ))`

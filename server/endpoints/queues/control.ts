import type { ControlRequest, QueueAction } from '../../../shared/queues/queues.ts'
import type { ActKind } from '../../../shared/records/acts.ts'
import { requireWithin } from '../../auth/require-scope.ts'
import { recordAct } from '../../bulk/record/act.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import { unlessFrozen } from '../../database/installation/freeze.ts'
import type { Fragment, Sql, Transaction } from '../../database/sql.ts'
import { placeOf, servedBy } from '../../engines/served.ts'
import { notifyQueues } from '../../lifecycle/events/job-events.ts'
import { engineTarget, requireSameVersion } from '../../undo/engine/target.ts'
import { actorOf } from '../actor.ts'
import type { OutputOf } from '../handlers.ts'
import { setThreshold } from './set-threshold.ts'
import { type ControlCall, type QueueBefore, requireKnown, stateBefore } from './state-before.ts'

/** The state that each action leaves behind; a queue that drains gives out no leases either. */
const states: Record<QueueAction, { paused: boolean; drain: boolean; event: ActKind }> = {
  pause: { paused: true, drain: false, event: 'queue.paused' },
  drain: { paused: true, drain: true, event: 'queue.drained' },
  resume: { paused: false, drain: false, event: 'queue.resumed' },
}

type StopRequest = ControlRequest & { action: QueueAction }

/**
 * Stops a queue or starts it again, from the next call of a worker on, or sets its threshold. The reason and the time of a stop stay until the queue
 * is started again, unless the request has a reason of its own; a request that changes nothing writes nothing, and any other one has
 * an event and a sealed record.
 * @throws Failure `forbidden` outside of the scope of the caller, and where that has job types, since a queue stops as a whole;
 * `not_found` with `must_exist`, for a queue that never had a job and was never stopped
 */
export async function controlQueue(call: ControlCall, request: ControlRequest): Promise<OutputOf<'controlQueue'>> {
  requireWithin(call, { domain: request.domain, queue: request.queue }, `the queue ${request.domain}/${request.queue}`)
  const { action, quarantine_threshold: threshold = null } = request
  if (action === 'set') {
    const row = await setThreshold(call, { ...request, threshold })
    const { known, changed: _, ...before } = row ?? { ...unknown, quarantine_threshold: null }
    requireKnown(known, request)
    return { paused: before.paused, drain: before.drain, quarantine_threshold: threshold, known, before }
  }
  const { event, ...state } = states[action]
  const row = await retryDeadlock(() =>
    unlessFrozen(call.sql, (tx) => changeOnRecord(tx, call, { ...request, action })),
  )
  const { known, changed: _, ...before } = row ?? unknown
  requireKnown(known, request)
  return { ...state, known, before }
}

interface Row extends QueueBefore {
  changed: boolean
}

const unknown: Row = { known: false, changed: false, paused: false, drain: false, updated_at: null, reason: null }

async function changeOnRecord(tx: Transaction, call: ControlCall, request: StopRequest): Promise<Row | undefined> {
  const { domain, queue, action } = request
  const [row] = await (servedBy(tx).mode === 'own' ? change : changeOfEngine)({ ...call, sql: tx }, request)
  if (!row?.changed) return row
  const before = { paused: row.paused, drain: row.drain }
  await recordAct(
    tx,
    { ...actorOf(call), reason: request.reason ?? call.reason },
    { kind: states[action].event, scope: { domain, queue }, details: { before } },
  )
  return row
}

/** Pauses or resumes a queue of another engine, whose row is not ours: the time and the reason of a stop are in the events alone. */
async function changeOfEngine(call: Omit<ControlCall, 'sql'> & { sql: Sql }, request: StopRequest): Promise<Row[]> {
  const { domain, queue, action, must_exist } = request
  const engine = placeOf(call.sql, domain)
  if (!engine?.adapter.control) return []
  const { of: sql, adapter, found } = engine
  const target = engineTarget(sql)
  if (!target) return []
  await requireSameVersion(sql, target)
  const [before] = await sql<Omit<Row, 'changed'>[]>`
    select known or stopped.queue is not null as known, coalesce(paused, false) as paused, false as drain, null as updated_at, null as reason
    from (select exists (select from jobs where queue = ${queue}::text) as known) as one
    left join job_queue_controls as stopped on stopped.domain = ${domain}::text and stopped.queue = ${queue}::text`
  if (!before || (must_exist && !before.known)) return before ? [{ ...before, changed: false }] : []
  const changed = await adapter.control?.(sql, found, { domain, queue, paused: action !== 'resume' })
  if (changed)
    await sql`
      insert into job_events (domain, queue, event_type, attrs_json, request_id)
      select ${domain}::text, ${queue}::text, ${states[action].event}::text, ${attrs(sql, call, request)}, ${call.requestId}::text
      from (select ${before.paused}::bool as paused, false as drain) as before`
  return [{ ...before, changed: changed === true }]
}

const change = ({ sql, ...call }: Omit<ControlCall, 'sql'> & { sql: Sql }, request: StopRequest) => {
  const { domain, queue } = request
  const state = states[request.action]
  return sql<Row[]>`
    with ${stateBefore(sql, request)},
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

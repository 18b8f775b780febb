import { Failure } from '../../../shared/errors.ts'
import type { Throttle, ThrottleRequest } from '../../../shared/queues/throttle.ts'
import { requireWithin } from '../../auth/require-scope.ts'
import { recordAct } from '../../bulk/record/act.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import { unlessFrozen } from '../../database/installation/freeze.ts'
import type { Sql, Transaction } from '../../database/sql.ts'
import { notifyQueues } from '../../lifecycle/events/job-events.ts'
import { actorOf } from '../actor.ts'
import type { OutputOf } from '../handlers.ts'
import { type ControlCall, requireKnown, stateBefore } from './state-before.ts'

interface Row extends Throttle {
  known: boolean
  changed: boolean
}

/**
 * Limits how many jobs of a queue run at the same time, or begin in a minute, from the next acquire on. What the request leaves out stays. A
 * request that changes nothing writes nothing, and any other one has an event and a sealed record.
 * @throws Failure `forbidden` outside of the scope of the caller, and where that has job types, since a throttle is of the whole queue;
 * `conflict` beside a server of an earlier version, which would not keep to it; `not_found` with `must_exist` for a queue that is not known
 */
export async function throttleQueue(call: ControlCall, request: ThrottleRequest): Promise<OutputOf<'throttleQueue'>> {
  requireWithin(call, { domain: request.domain, queue: request.queue }, `the queue ${request.domain}/${request.queue}`)
  const {
    known,
    changed: _,
    ...before
  } = await retryDeadlock(() => unlessFrozen(call.sql, (tx) => throttleOnRecord(tx, call, request)))
  requireKnown(known, request)
  return { ...throttleAfter(before, request), known, before }
}

const throttleAfter = (before: Throttle, request: ThrottleRequest): Throttle => ({
  running: request.running === undefined ? before.running : request.running,
  per_minute: request.per_minute === undefined ? before.per_minute : request.per_minute,
})

async function throttleOnRecord(tx: Transaction, call: ControlCall, request: ThrottleRequest): Promise<Row> {
  const { domain, queue } = request
  const locked = await lockBefore(tx, request)
  const { known, ...before } = locked
  const after = throttleAfter(before, request)
  const isSame = after.running === before.running && after.per_minute === before.per_minute
  if (isSame || (request.must_exist && !known)) return { ...locked, changed: false }
  const isOff = after.running === null && after.per_minute === null
  if (!isOff) await refuseBesideEarlierServers(tx)
  await write(tx, call, { request, before, after, isOff })
  await recordAct(
    tx,
    { ...actorOf(call), reason: request.reason ?? call.reason },
    { kind: 'queue.throttle_set', scope: { domain, queue }, details: { after: { ...after }, before: { ...before } } },
  )
  return { ...locked, changed: true }
}

/** The throttle of the queue, whose row is locked where there is one: leases of its jobs wait for the end of the change. */
async function lockBefore(sql: Sql, { domain, queue }: ThrottleRequest): Promise<Omit<Row, 'changed'>> {
  const [row] = await sql<[Omit<Row, 'changed'>]>`
    with ${stateBefore(sql, { domain, queue })},
    own as materialized (
      select running, per_minute from jobsctl_limits where domain = ${domain} and queue = ${queue} for update
    )
    select
      before.known or exists (select from own) as known,
      (select running from own) as running, (select per_minute from own) as per_minute
    from before`
  return row
}

/** A server up to 0.2.0, which writes no address of its own, leases jobs without a look at the throttle. */
async function refuseBesideEarlierServers(sql: Sql): Promise<void> {
  const [server] = await sql<{ name: string }[]>`
    select name from jobsctl_servers where address is null and seen_at > now() - interval '2 minutes' limit 1`
  if (!server) return
  throw new Failure(
    'conflict',
    `the server ${server.name} of an earlier version works on this database, and keeps to no throttle; nothing was changed`,
    { hint: 'stop it, or update it, and ask again two minutes later' },
  )
}

interface Change {
  request: ThrottleRequest
  before: Throttle
  after: Throttle
  isOff: boolean
}

const write = (sql: Sql, call: ControlCall, { request, before, after, isOff }: Change) => {
  const { domain, queue } = request
  const reason = request.reason ?? call.reason ?? null
  return sql`
    with ended as (
      delete from jobsctl_limits where domain = ${domain} and queue = ${queue} and ${isOff}::bool
    ),
    changed as (
      insert into jobsctl_limits (domain, queue, running, per_minute, caller, reason)
      select ${domain}::text, ${queue}::text, ${after.running}::int, ${after.per_minute}::int, ${call.caller}::text, ${reason}::text
      where not ${isOff}::bool
      on conflict (domain, queue) do update
      set running = excluded.running, per_minute = excluded.per_minute, next_at = null, caller = excluded.caller,
          reason = excluded.reason, updated_at = now()
    ),
    inserted_event as (
      insert into job_events (domain, queue, event_type, attrs_json, request_id)
      select
        ${domain}::text, ${queue}::text, 'queue.throttle_set',
        jsonb_strip_nulls(jsonb_build_object('caller', ${call.caller}::text, 'reason', ${reason}::text))
        || jsonb_build_object('throttle', ${JSON.stringify(after)}::text::jsonb, 'before', ${JSON.stringify(before)}::text::jsonb),
        ${call.requestId}::text
    )
    ${notifyQueues(sql, sql`select ${domain}::text as domain, ${queue}::text as queue`)}`
}

import { recordAct } from '../../bulk/record/act.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import { unlessFrozen } from '../../database/installation/freeze.ts'
import type { Sql, Transaction } from '../../database/sql.ts'
import { actorOf } from '../actor.ts'
import { type ControlCall, type QueueBefore, stateBefore } from './state-before.ts'

/** After how many failures in a row with one error code jobs of the queue are quarantined: 0 for never, null as the server says. */
type Threshold = number | null

interface Wanted {
  domain: string
  queue: string
  threshold: Threshold
  reason?: string | undefined
  must_exist: boolean
}

interface Row extends QueueBefore {
  quarantine_threshold: Threshold
  changed: boolean
}

/**
 * Sets the threshold of a queue, whether it runs or is stopped: the next failure of a job goes by it. A request that changes nothing writes
 * nothing, and any other one has an event and a sealed record.
 * @returns the state before, and its threshold; `known` is false for a queue that never had a job, a stop or a threshold
 */
export const setThreshold = (call: ControlCall, wanted: Wanted): Promise<Row | undefined> =>
  retryDeadlock(() => unlessFrozen(call.sql, (tx) => setOnRecord(tx, call, wanted)))

async function setOnRecord(tx: Transaction, call: ControlCall, wanted: Wanted): Promise<Row | undefined> {
  const { domain, queue, threshold: quarantine_threshold } = wanted
  const [row] = await set({ ...call, sql: tx }, wanted)
  if (!row?.changed) return row
  await recordAct(
    tx,
    { ...actorOf(call), reason: wanted.reason ?? call.reason },
    {
      kind: 'queue.threshold_set',
      scope: { domain, queue },
      details: { after: { quarantine_threshold }, before: { quarantine_threshold: row.quarantine_threshold } },
    },
  )
  return row
}

const set = (
  { sql, ...call }: Omit<ControlCall, 'sql'> & { sql: Sql },
  { domain, queue, threshold, reason, must_exist }: Wanted,
) => sql<Row[]>`
  with ${stateBefore(sql, { domain, queue })},
  own as materialized (
    select quarantine_threshold from jobsctl_queues where domain = ${domain} and queue = ${queue} for update
  ),
  known_before as materialized (
    select
      known or exists (select from own) as known, paused, drain, updated_at, reason,
      (select quarantine_threshold from own) as quarantine_threshold
    from before
  ),
  changed as (
    insert into jobsctl_queues (domain, queue, quarantine_threshold)
    select ${domain}::text, ${queue}::text, ${threshold}::int
    from known_before
    where (known or not ${must_exist}::bool) and quarantine_threshold is distinct from ${threshold}::int
    on conflict (domain, queue) do update
    set quarantine_threshold = excluded.quarantine_threshold, updated_at = now()
    returning domain, queue
  ),
  inserted_event as (
    insert into job_events (domain, queue, event_type, attrs_json, request_id)
    select
      changed.domain, changed.queue, 'queue.threshold_set',
      jsonb_strip_nulls(jsonb_build_object('caller', ${call.caller}::text, 'reason', ${reason ?? call.reason ?? null}::text))
      || jsonb_build_object('quarantine_threshold', ${threshold}::int, 'before', quarantine_threshold),
      ${call.requestId}::text
    from changed
    cross join known_before
  )
  select known, paused, drain, updated_at, reason, quarantine_threshold, exists (select from changed) as changed
  from known_before`

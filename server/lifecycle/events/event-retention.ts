import { setTimeout as wait } from 'node:timers/promises'
import { refuseWhileFrozen } from '../../database/installation/freeze.ts'
import { tryToHoldLock } from '../../database/locks/hold-lock.ts'
import { type Fragment, type Pool, type Sql, staticFragment } from '../../database/sql.ts'
import { limitIdleTime } from '../../database/timeouts.ts'
import type { EventKind } from './event-terms.ts'
import { noteExpired } from './expired-events.ts'

const pauseMs = 50

/** Below every id, also those of another program. */
export const firstPosition = '-9223372036854775808'

interface Walk {
  kind: EventKind
  /** For how many days the events are kept. */
  days: number
  /** The id, as text, after which the walk begins. */
  from: string
  /** True when the walk should end after its batch. */
  isOver: () => boolean
}

/** How far a walk has come. */
export interface Walked {
  /** How many events were deleted. */
  deleted: number
  /** The id, as text, up to which no event of the kind is left. */
  from: string
  /** False when the walk was ended early, or another server deletes events at the moment. */
  isDone: boolean
}

/**
 * Deletes the events of one kind whose term is over, by id from the oldest on, in batches of 1,000, each in a transaction of its own. The
 * walk ends at the first batch of which every event stays: events behind it wait until those before them go. An event that a registered
 * reader has not read stays for 7 days more. An event that explains why a queue is stopped now stays for a second term. Two events stay
 * whatever their age. The last one of the log tells readers and a restored database how far the log has come. The last seal of the chain of
 * the records stays while its day is in the chain.
 * @throws Failure `frozen` before the first batch after a freeze
 */
export async function deleteExpiredEvents(sql: Pool, { kind, days, from, isOver }: Walk): Promise<Walked> {
  const walked: Walked = { deleted: 0, from, isDone: false }
  let after = from
  for (;;) {
    const batch = await deleteBatch(sql, { kind, days, after })
    if (!batch) return walked
    walked.deleted += batch.gone
    if (after === walked.from && batch.gone === batch.looked) walked.from = batch.last ?? after
    after = batch.last ?? after
    if (batch.looked < rowsPerBatch || (batch.gone === 0 && batch.waiting)) return { ...walked, isDone: true }
    if (isOver()) return walked
    await wait(pauseMs)
  }
}

const rowsPerBatch = 1000

interface Batch {
  looked: number
  gone: number
  /** The last id, as text: ids of other programs may be above 2^53. */
  last: string | null
  /** An event stays whose term is not over yet. One without a time, or of the future, says nothing about those behind it. */
  waiting: boolean
}

/** Undefined when another server is deleting events. */
const deleteBatch = (sql: Pool, place: { kind: EventKind; days: number; after: string }): Promise<Batch | undefined> =>
  sql.begin(async (tx) => {
    await refuseWhileFrozen(tx)
    await tx`select ${limitIdleTime(tx)}`
    if (!(await tryToHoldLock(tx, 'events'))) return undefined
    const [batch] = await deleteNext(tx, place)
    return batch
  })

/** An SQL condition: the event is of the kind. */
export const isOfKind: Record<EventKind, (sql: Sql) => Fragment> = {
  steps: staticFragment((sql) => sql`job_ref is not null`),
  audit: staticFragment((sql) => sql`job_ref is null`),
}

/** The id of the last event with a seal of a day that is in the chain. */
export const lastSeal = staticFragment(
  (sql) => sql`
  select id
  from job_events
  where event_type = 'operation.sealed' and attrs_json ->> 'day' in (select day::text from job_operation_days)
  order by id desc
  limit 1`,
)

/** An SQL condition: the event of `looked` may say why a queue is stopped now. */
const explainsStop = staticFragment(
  (sql) => sql`
  event_type in ('queue.paused', 'queue.drained', 'queue.resumed') and exists (
    select from job_queue_controls as control
    where control.domain = looked.domain and control.queue = looked.queue
      and (control.paused or control.drain)
      and looked.created_at >= control.updated_at
  )`,
)

/** The number of days for which an event stays beyond its term where a registered reader has not read it. */
const daysForReaders = 7

const deleteNext = (tx: Sql, { kind, days, after }: { kind: EventKind; days: number; after: string }) => {
  const isExpired = tx`created_at < now() - interval '24 hours' * (
    ${days}::int + case when id > (select min(after_id) from jobsctl_event_cursors) then ${daysForReaders}::int else 0 end
  )`
  return tx<Batch[]>`
    with looked as materialized (
      select id, created_at, event_type, domain, queue
      from job_events
      where ${isOfKind[kind](tx)} and id > ${after}::bigint
      order by id
      limit ${tx.unsafe(String(rowsPerBatch))}
    ),
    gone as (
      delete from job_events
      where id = any(array(
        select id
        from looked
        where ${isExpired}
          and id < (select max(id) from job_events)
          and id is distinct from (${lastSeal(tx)})
          and not (created_at >= now() - 2 * ${days}::int * interval '24 hours' and ${explainsStop(tx)})
      ))
      -- Another transaction may have changed the row meanwhile.
      and ${isOfKind[kind](tx)} and ${isExpired}
      returning id, domain, queue, job_type
    ),
    noted as (${noteExpired(tx, tx`select id, domain, queue, job_type from gone`)})
    select
      (select count(*)::int from looked) as looked,
      (select count(*)::int from gone) as gone,
      (select max(id)::text from looked) as last,
      exists (
        select from looked where not ${isExpired} and created_at < now() + interval '24 hours'
      ) as waiting`
}

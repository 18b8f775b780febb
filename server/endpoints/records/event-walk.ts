import type { JobEvent } from '../../../shared/records/events.ts'
import type { Scope } from '../../../shared/scope.ts'
import { inScope, type Narrowed } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { isOwnAmongOthers } from '../../engines/served.ts'
import { attrsOfEvent } from '../../lifecycle/events/job-events.ts'

/** The events that a reader wants: those of a scope, within what its caller is limited to. */
export type EventFilter = Scope & Narrowed

/** The ids of a walk that are not looked at yet: those above `after`, up to `last`. */
export interface Stretch {
  after: number
  last: number
}

/** How a piece of a walk is read. */
interface Piece {
  stretch: Stretch
  /** From the end of the stretch backwards. */
  descending?: boolean
  /** The most events of a piece. */
  limit: number
}

/** An event, or none, with the ids that were looked at: those above `piece_after`, up to `piece_last`. */
interface PieceRow extends Omit<JobEvent, 'id'> {
  id: number | null
  piece_after: number
  piece_last: number
}

/** The most ids of one statement: reading them takes some 20 ms. */
const idsAtOnce = 20_000

/** The events of a queue, which have no job. */
const queueEvents = ['queue.paused', 'queue.drained', 'queue.resumed', 'queue.threshold_set', 'queue.throttle_set']

/** True for a filter that some event of the log may not meet. */
export const isFiltering = ({ domain, queue, job_type, within }: EventFilter): boolean =>
  [domain, queue, job_type, within].some((field) => field !== undefined)

/**
 * `and …`: the events that a caller with a scope gets, those of jobs and of queues. The events of changes of many jobs have numbers that
 * may count jobs of other domains.
 */
const isToldWithin = (sql: Sql, { within }: Narrowed): Fragment =>
  within ? sql`and (job_ref is not null or event_type in ${sql(queueEvents)})` : sql``

/** `and …`: where other engines are served beside our own jobs, a reader that names no domain of theirs gets events without their keys. */
const isOurs = (sql: Sql): Fragment => (isOwnAmongOthers(sql) ? sql`and job_key is null` : sql``)

/**
 * Reads one piece of a walk: the events of the filter among the next 20,000 ids, at most `limit` of them. The piece begins at an event,
 * so that a gap between ids costs nothing.
 * @returns the events in the order of their ids, and what of the stretch is left
 */
export async function readPiece(
  sql: Sql,
  filter: EventFilter,
  { stretch, descending = false, limit }: Piece,
): Promise<{ events: JobEvent[]; left: Stretch }> {
  const { after, last } = stretch
  const none = { after: last, last }
  if (last <= after) return { events: [], left: none }
  const ids = String(isFiltering(filter) ? idsAtOnce : last - after)
  const way = descending ? sql`desc` : sql``
  const piece = descending
    ? sql`greatest(id - ${ids}::bigint, ${after}::bigint) as after, id as last`
    : sql`id - 1 as after, least(id - 1 + ${ids}::bigint, ${last}::bigint) as last`
  const rows = await sql<PieceRow[]>`
    select piece.after as piece_after, piece.last as piece_last, event.*
    from (
      select ${piece}
      from job_events
      where id > ${after}::bigint and id <= ${last}::bigint
      order by id ${way}
      limit 1
    ) as piece
    left join lateral (
      select
        id, job_ref as job_id, domain, queue, job_type, event_type,
        ${attrsOfEvent(sql)} as attrs,
        owner_user_id, request_id, trace_id, created_at
      from job_events
      where id > piece.after and id <= piece.last ${inScope(sql, filter)} ${isToldWithin(sql, filter)}${isOurs(sql)}
      order by id ${way}
      limit ${limit}
    ) as event on true
    order by event.id`
  const [first] = rows
  if (!first) return { events: [], left: none }
  const events = rows.flatMap(({ piece_after, piece_last, id, ...event }) => (id === null ? [] : [{ id, ...event }]))
  const isFull = events.length === limit
  if (descending) return { events, left: { after, last: isFull ? (events[0]?.id ?? after) - 1 : first.piece_after } }
  return { events, left: { after: isFull ? (events.at(-1)?.id ?? last) : first.piece_last, last } }
}

/** `readPiece` finds no event that this one passes over, and the reverse. */
export const isOfFilter = ({ domain, queue, job_type, within }: EventFilter, event: JobEvent): boolean =>
  (!domain || event.domain === domain) &&
  (!queue || event.queue === queue) &&
  (!job_type || event.job_type === job_type) &&
  (within === undefined || (isTold(event) && isEventWithin(within, event)))

const isTold = ({ job_id, event_type }: JobEvent): boolean =>
  (job_id !== null && job_id !== undefined) || queueEvents.includes(event_type)

const isEventWithin = (
  { domains, queues, job_types }: NonNullable<Narrowed['within']>,
  { domain, queue, job_type }: JobEvent,
): boolean => {
  const isInQueue =
    domains.length + queues.length === 0 ||
    domains.some((name) => name === domain) ||
    queues.some((allowed) => allowed.domain === domain && allowed.queue === queue)
  return isInQueue && (job_types.length === 0 || job_types.some((name) => name === job_type))
}

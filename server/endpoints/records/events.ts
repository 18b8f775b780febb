import type { EventsRequest, JobEvent } from '../../../shared/records/events.ts'
import type { Call } from '../../call.ts'
import { inScope, type Narrowed } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { requireGivenOut } from '../../lifecycle/events/event-ids.ts'
import { eventsExpired, expiredAfter } from '../../lifecycle/events/expired-events.ts'
import { attrsOfEvent } from '../../lifecycle/events/job-events.ts'
import { isContentHidden, openAttrs } from '../hidden.ts'

/**
 * Events after `after_id`, as far as no event can appear between them any more.
 * @throws Failure `events_reset` for an id that the log has not given out yet, `events_expired` for an id after which events
 * have been deleted because their term was over
 */
export async function events(
  { sql, eventWatermark, may, within }: Pick<Call, 'sql' | 'eventWatermark' | 'may' | 'within'>,
  request: EventsRequest,
): Promise<JobEvent[]> {
  const last = await eventWatermark.reached()
  await requireGivenOut(sql, request.after_id, last)
  return (await readUnexpired(sql, { ...request, within }, last)).map((event) => openEvent({ may }, event))
}

/** An event as a caller may see it. */
export const openEvent = (caller: Pick<Call, 'may'>, event: JobEvent): JobEvent =>
  isContentHidden(caller) ? { ...event, attrs: openAttrs(event.attrs) } : event

/** Looks for deleted events after it has read: then none was deleted before it read. */
async function readUnexpired(sql: Sql, request: EventsRequest & Narrowed, last: number): Promise<JobEvent[]> {
  const read = await readEvents(sql, request, last)
  if (request.skip_expired ?? request.after_id === 0) return read
  const expired = await expiredAfter(sql, request.after_id, request)
  if (expired) throw eventsExpired(request.after_id, expired)
  return read
}

/**
 * `and …`: the events that a caller with a scope gets, those of jobs and of queues. The events of changes of many jobs have numbers that
 * may count jobs of other domains.
 */
const isToldWithin = (sql: Sql, { within }: Narrowed): Fragment =>
  within ? sql`and (job_id is not null or event_type in ('queue.paused', 'queue.drained', 'queue.resumed'))` : sql``

type Reading = Omit<EventsRequest, 'skip_expired' | 'before_id'> & { before_id?: number } & Narrowed

/** The first events after `after_id`, or the last ones before `before_id`, with an id of at most `last`, in the order of their ids. */
export const readEvents = async (sql: Sql, request: Reading, last: number): Promise<JobEvent[]> => {
  const { before_id = 0 } = request
  if (last <= request.after_id) return []
  const read = [
    ...(await sql<JobEvent[]>`
      select
        id, job_id, domain, queue, job_type, event_type,
        ${attrsOfEvent(sql)} as attrs,
        owner_user_id, request_id, trace_id, created_at
      from job_events
      where id > ${request.after_id}::bigint and id <= ${before_id > 0 ? Math.min(before_id - 1, last) : last}::bigint
        ${inScope(sql, request)} ${isToldWithin(sql, request)}
      order by id ${before_id > 0 ? sql`desc` : sql``}
      limit ${request.limit}`),
  ]
  return before_id > 0 ? read.reverse() : read
}

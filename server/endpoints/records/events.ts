import { Failure } from '../../../shared/errors.ts'
import { headers } from '../../../shared/headers.ts'
import type { EventsRequest, JobEvent } from '../../../shared/records/events.ts'
import type { Acting, Call } from '../../call.ts'
import { requireGivenOut } from '../../lifecycle/events/event-ids.ts'
import { eventsExpired, expiredAfter } from '../../lifecycle/events/expired-events.ts'
import { isContentHidden, openAttrs } from '../hidden.ts'
import { type EventFilter, isFiltering, readPiece, type Stretch } from './event-walk.ts'

/** How long a call looks for events, in milliseconds. */
const longestWalkMs = 5000

type EventsCall = Pick<
  Call,
  ('sql' | 'caller' | 'eventWatermark' | 'knownEmpty' | 'may' | 'within' | 'slowReads') | ('addHeader' | 'disconnected')
>

/**
 * Events after `after_id`, or the last ones before `before_id`, as far as no event can appear between them any more. With `partial`, the
 * header `X-Next-After` says where to go on while there may be more.
 * @throws Failure `events_reset` for an id that the log has not given out yet; `events_expired` for an id after which events have been
 *   deleted because their term was over; `database_busy` where the search takes too long for a reader without `partial`
 */
export async function events(call: EventsCall, request: EventsRequest): Promise<JobEvent[]> {
  const { sql, eventWatermark, may, within } = call
  const { after_id, before_id, domain, queue, job_type, partial = false } = request
  const last = await eventWatermark.reached()
  await requireGivenOut(sql, after_id, last)
  const stretch = { after: after_id, last: before_id > 0 ? Math.min(before_id - 1, last) : last }
  const filter = { domain, queue, job_type, within }
  const { found, left } = await walk(call, filter, { ...request, stretch })
  // Looked for after the read: then none was deleted before it.
  await throwIfExpired(call, request, filter)
  if (left.last > left.after) {
    if (partial) call.addHeader(headers.nextAfter, String(before_id > 0 ? left.last + 1 : left.after))
    else if (found.length === 0) throw tooLong(before_id > 0 ? left.last + 1 : left.after)
  }
  return found.map((event) => openEvent({ may }, event))
}

/** An event as a caller may see it. */
export const openEvent = (caller: Pick<Acting, 'may'>, event: JobEvent): JobEvent =>
  isContentHidden(caller) ? { ...event, attrs: openAttrs(event.attrs) } : event

/** Reads piece after piece, each in its turn among the slow reads, until the page is full, the end is reached or the time is over. */
async function walk(
  { sql, caller, slowReads, knownEmpty, disconnected }: EventsCall,
  filter: EventFilter,
  { stretch, before_id, limit }: Pick<EventsRequest, 'before_id' | 'limit'> & { stretch: Stretch },
): Promise<{ found: JobEvent[]; left: Stretch }> {
  const end = performance.now() + longestWalkMs
  const descending = before_id > 0
  const search = JSON.stringify(filter)
  const next = (left: Stretch, found: number) =>
    readPiece(sql, filter, { stretch: left, descending, limit: limit - found })
  if (!isFiltering(filter)) return toFound(await next(stretch, 0))
  // A place beyond the end is of another log, such as one that was restored from a backup.
  const from = descending ? stretch.after : Math.min(knownEmpty.from(search, stretch.after), stretch.last)
  let left = { ...stretch, after: from }
  let found: JobEvent[] = []
  for (;;) {
    const read = await slowReads.run(caller, () => next(left, found.length))
    left = read.left
    found = descending ? [...read.events, ...found] : [...found, ...read.events]
    if (!descending && found.length === 0) knownEmpty.note(search, stretch.after, left.after)
    const isOver = left.last <= left.after || found.length >= limit || performance.now() > end
    if (isOver || disconnected().aborted) return { found, left }
  }
}

const toFound = ({ events, left }: { events: JobEvent[]; left: Stretch }) => ({ found: events, left })

async function throwIfExpired({ sql }: EventsCall, request: EventsRequest, filter: EventFilter): Promise<void> {
  const { after_id, skip_expired = after_id === 0 } = request
  const expired = skip_expired ? undefined : await expiredAfter(sql, after_id, filter)
  if (expired) throw eventsExpired(after_id, expired)
}

const tooLong = (next: number) =>
  new Failure(
    'database_busy',
    `no event of this filter was found within ${longestWalkMs / 1000} s, and not all of the log has been looked at; nothing was read`,
    {
      hint: `try again, which goes on where this call ended; with partial=true each answer says in ${headers.nextAfter} where to go on`,
      retryAfter: 1,
      fields: { next_after: next },
    },
  )

import type { Context, Handler } from 'hono'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import { eventStream } from '../../../shared/endpoints.ts'
import { type JobEvent, streamedEvent } from '../../../shared/records/events.ts'
import type { ServerContext } from '../../call.ts'
import { writeJson } from '../../database/lossless-json.ts'
import { isContentHidden } from '../../endpoints/hidden.ts'
import { type EventFilter, isOfFilter, readPiece } from '../../endpoints/records/event-walk.ts'
import { openEvent } from '../../endpoints/records/events.ts'
import { type EventIds, idsBelow } from '../../lifecycle/events/event-ids.ts'
import { afterExpired, expiredAfter } from '../../lifecycle/events/expired-events.ts'
import { type Batch, createEventTail, type EventTail } from '../../waiting/event-tail.ts'
import { turn } from '../../waiting/turns.ts'
import { invalid, readQuery } from '../input.ts'
import type { RequestContext } from '../request/request-context.ts'
import { checkMs, plainStream, setStreamHeaders, writeInPieces, written } from './stream-headers.ts'

/** A stream sends something at least this often, since proxies close silent connections. */
const heartbeatMs = 10_000
const othersHeartbeatMs = 1000
const pollMs = 250
/** The most events of a message that a follower reads by itself, and of one that all followers share. */
const [page, sharedPage] = [500, 5000]

/**
 * `GET /jobs/events/stream`: sends events in the order of their ids until the reader disconnects, takes too little, or the server stops. Followers at the head of
 * the log share one read; a reader that is behind it reads by itself, piece by piece, until it gets there.
 * The handler throws Failure `invalid_request`, or any failure of the database, before the stream begins.
 */
export function streamEvents(serving: ServerContext): Handler<RequestContext> {
  const { operatorSql, eventWatermark } = serving
  const tail = createEventTail<JobEvent>({
    intervalMs: pollMs,
    reached: eventWatermark.reached,
    read: async (after, last) => {
      const { events, left } = await readPiece(operatorSql, everything, { stretch: { after, last }, limit: sharedPage })
      return { events, last: left.after }
    },
  })
  return async (c) => {
    const { after_id, event, ...scope } = readQuery(c, eventStream.input, operatorSql)
    const filter = { ...scope, within: c.get('caller').within }
    const cursor = cursorOf(c.req.header('last-event-id')) ?? after_id
    // The first read runs before the response begins, so that an unreachable database is a 503 and not an empty stream.
    const batch = await tail.begin()
    setStreamHeaders(c)
    if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': 'text/event-stream' })
    const response = streamSSE(c, (stream) =>
      sendAll({ c, serving, tail, filter, stream, isOthers: event === 'job' }, { cursor, batch }),
    )
    return plainStream(c, response, serving.stopping)
  }
}

const everything: EventFilter = { within: undefined }

interface Sending {
  c: Context<RequestContext>
  serving: ServerContext
  tail: EventTail<JobEvent>
  filter: EventFilter
  stream: SSEStreamingApi
  /** The reader asks for the messages of the other server. */
  isOthers: boolean
}

/** Where a follower is, and the newest batch that it knows of. */
interface Position {
  cursor: number
  batch: Batch<JobEvent>
}

/** Sends events to one reader. */
async function sendAll(sending: Sending, begin: Position): Promise<void> {
  const { c, serving, tail, filter, stream, isOthers } = sending
  const { operatorSql: sql, stopping, log } = serving
  const { signal } = c.req.raw
  const over = () => signal.aborted || stopping.aborted || stream.aborted
  let { cursor, batch } = begin
  let sentAt = Number.NEGATIVE_INFINITY
  let checkedAt = performance.now()
  let isFirst = cursor > 0
  const silenceMs = isOthers ? othersHeartbeatMs : heartbeatMs
  try {
    if (isOthers) await stream.write('event: ping\ndata: {}\n\n')
    while (!over()) {
      const ids = isFirst && cursor > batch.last ? await idsBelow(sql, cursor) : undefined
      if (ids) {
        await written(c, sendReset(stream, ids))
        cursor = ids.newest_id
      }
      const { messages, reached } = await messagesAfter(sending, { cursor, batch })
      // Looked for after the read, so that no event was deleted before it.
      const expired = isFirst ? await expiredAfter(sql, cursor, filter) : undefined
      isFirst = false
      if (expired) {
        await c.get('stillAllowed')()
        cursor = afterExpired(expired)
        await written(c, sendExpired(stream, expired))
        continue
      }
      if (messages.length > 0) {
        await writeInPieces(c, stream, messages)
        sentAt = performance.now()
      }
      cursor = Math.max(cursor, reached)
      if (performance.now() - sentAt > silenceMs) {
        await written(c, sendHeartbeat(stream, cursor, isOthers))
        sentAt = performance.now()
      }
      if (cursor >= batch.last) batch = await tail.next(cursor, batch)
      if (performance.now() - checkedAt > checkMs) {
        await c.get('stillAllowed')()
        checkedAt = performance.now()
      }
      await turn()
    }
  } catch (error) {
    // The reader connects again with its Last-Event-ID and then gets the error as a response.
    if (!over()) log.warn(`an event stream ended: ${error}`, { request_id: c.get('requestId') })
  }
}

/** The messages of the next events after the cursor, up to the end of the batch, and the id up to which these are all. */
async function messagesAfter(
  { c, serving, filter }: Sending,
  { cursor, batch }: Position,
): Promise<{ messages: Uint8Array; reached: number }> {
  const caller = c.get('caller')
  const messagesOf = (events: readonly JobEvent[]) =>
    encoder.encode(events.map((event) => messageOf(openEvent(caller, event))).join(''))
  if (cursor < batch.after) {
    const stretch = { after: cursor, last: batch.last }
    const read = () => readPiece(serving.operatorSql, filter, { stretch, limit: page })
    const { events, left } = await serving.slowReads.run(caller.id, read)
    return { messages: messagesOf(events), reached: left.after }
  }
  const wanted = () => batch.events.filter((event) => event.id > cursor && isOfFilter(filter, event))
  if (cursor > batch.after) return { messages: messagesOf(wanted()), reached: batch.last }
  const key = JSON.stringify([filter, isContentHidden(caller)])
  const messages = batch.messages.get(key) ?? messagesOf(wanted())
  batch.messages.set(key, messages)
  return { messages, reached: batch.last }
}

const encoder = new TextEncoder()

/** An event as a message. All messages of a read are written at once: a reader wakes up for each part that it gets. */
const messageOf = (event: JobEvent): string =>
  `event: job\ndata: ${writeJson(streamedEvent(event))}\nid: ${event.id}\n\n`

/** Tells the reader that its cursor is of another log, or of a lost part of this one. New events follow. */
const sendReset = (stream: SSEStreamingApi, ids: EventIds): Promise<void> =>
  stream.writeSSE({ id: String(ids.newest_id), event: 'reset', data: writeJson(ids) })

/** Tells the reader that events after its cursor have been deleted. The events that are kept follow. */
const sendExpired = (stream: SSEStreamingApi, ids: EventIds): Promise<void> =>
  stream.writeSSE({ id: String(afterExpired(ids)), event: 'expired', data: writeJson(ids) })

/** A comment, or the message of the other server, that keeps the connection open, and the id after which a filtered reader continues. */
const sendHeartbeat = (stream: SSEStreamingApi, cursor: number, isOthers: boolean) =>
  stream.write(`id: ${cursor}\n${isOthers ? 'data: {"heartbeat": true}' : ': heartbeat'}\n\n`)

/** @throws Failure `invalid_request` when the header is not the id of an event */
function cursorOf(header: string | undefined): number | undefined {
  const given = header?.trim()
  if (!given) return undefined
  if (/^\d{1,16}$/.test(given) && Number.isSafeInteger(Number(given))) return Number(given)
  throw invalid([{ path: 'Last-Event-ID', message: 'must be the id of an event' }])
}

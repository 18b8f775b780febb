import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from 'hono'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import { eventStream } from '../../../shared/endpoints.ts'
import { type JobEvent, streamedEvent } from '../../../shared/records/events.ts'
import type { ServerContext } from '../../call.ts'
import { writeJson } from '../../database/lossless-json.ts'
import { openEvent, readEvents } from '../../endpoints/records/events.ts'
import { type EventIds, idsBelow } from '../../lifecycle/events/event-ids.ts'
import { afterExpired, expiredAfter } from '../../lifecycle/events/expired-events.ts'
import { invalid, readQuery } from '../input.ts'
import type { RequestContext } from '../request/request-context.ts'
import { checkCaller } from './check-caller.ts'
import { plainStream, setStreamHeaders } from './stream-headers.ts'

/** A stream sends something at least this often, since proxies close silent connections. */
const heartbeatMs = 10_000
const pollMs = 250
/** The end of a session, of a token or of a right ends its streams within this time and a poll. */
const checkMs = 1000
const page = 500

/**
 * `GET /jobs/events/stream`: sends events in the order of their ids until the reader disconnects or the server stops.
 * @throws Failure `invalid_request`, or any failure of the database, before the stream begins
 */
export async function streamEvents(c: Context<RequestContext>, serving: ServerContext): Promise<Response> {
  const { sql, eventWatermark, stopping, log } = serving
  const request = { ...readQuery(c, eventStream.input), within: c.get('caller').within }
  const { signal } = c.req.raw
  const over = () => signal.aborted || stopping.aborted
  let cursor = cursorOf(c.req.header('last-event-id')) ?? request.after_id
  // The first query runs before the response begins, so that an unreachable database is a 503 and not an empty stream.
  let last = await eventWatermark.reached()
  setStreamHeaders(c)
  if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': 'text/event-stream' })
  const response = streamSSE(c, async (stream) => {
    let sentAt = Number.NEGATIVE_INFINITY
    let checkedAt = performance.now()
    let isFirst = cursor > 0
    try {
      while (!over() && !stream.aborted) {
        const ids = cursor > last ? await idsBelow(sql, cursor) : undefined
        if (ids) {
          await sendReset(stream, ids)
          cursor = ids.newest_id
        }
        const events = await readEvents(sql, { ...request, after_id: cursor, limit: page }, last)
        // Looked for after the read, so that no event was deleted before it.
        const expired = isFirst ? await expiredAfter(sql, cursor, request) : undefined
        isFirst = false
        if (expired) {
          await c.get('stillAllowed')()
          cursor = afterExpired(expired)
          await sendExpired(stream, expired)
          continue
        }
        if (events.length > 0) await c.get('stillAllowed')()
        if (events.length > 0) {
          await stream.write(events.map((event) => messageOf(openEvent(c.get('caller'), event))).join(''))
          sentAt = performance.now()
        }
        cursor = events.length === page ? (events.at(-1)?.id ?? last) : Math.max(cursor, last)
        if (events.length === page) continue
        if (performance.now() - checkedAt > checkMs) {
          await checkCaller(c, serving)
          checkedAt = performance.now()
        }
        if (performance.now() - sentAt > heartbeatMs) {
          await sendHeartbeat(stream, cursor)
          sentAt = performance.now()
        }
        await sleep(pollMs, undefined, { signal }).catch(() => {})
        last = await eventWatermark.reached(pollMs / 2)
      }
    } catch (error) {
      // The reader connects again with its Last-Event-ID and then gets the error as a response.
      if (!over()) log.warn(`an event stream ended: ${error}`, { request_id: c.get('requestId') })
    }
  })
  return plainStream(c, response, stopping)
}

/** An event as a message. All messages of a read are written at once: a reader wakes up for each part that it gets. */
const messageOf = (event: JobEvent): string =>
  `event: job\ndata: ${writeJson(streamedEvent(event))}\nid: ${event.id}\n\n`

/** Tells the reader that its cursor is of another log, or of a lost part of this one. New events follow. */
const sendReset = (stream: SSEStreamingApi, ids: EventIds): Promise<void> =>
  stream.writeSSE({ id: String(ids.newest_id), event: 'reset', data: writeJson(ids) })

/** Tells the reader that events after its cursor have been deleted. The events that are kept follow. */
const sendExpired = (stream: SSEStreamingApi, ids: EventIds): Promise<void> =>
  stream.writeSSE({ id: String(afterExpired(ids)), event: 'expired', data: writeJson(ids) })

/** A comment that keeps the connection open, and the id after which a filtered reader continues. */
const sendHeartbeat = (stream: SSEStreamingApi, cursor: number) => stream.write(`id: ${cursor}\n: heartbeat\n\n`)

/** @throws Failure `invalid_request` when the header is not the id of an event */
function cursorOf(header: string | undefined): number | undefined {
  const given = header?.trim()
  if (!given) return undefined
  if (/^\d{1,16}$/.test(given) && Number.isSafeInteger(Number(given))) return Number(given)
  throw invalid([{ path: 'Last-Event-ID', message: 'must be the id of an event' }])
}

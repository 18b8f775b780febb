import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from 'hono'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import { eventStream } from '../../shared/endpoints.ts'
import { headers } from '../../shared/headers.ts'
import { type JobEvent, streamedEvent } from '../../shared/records/events.ts'
import type { ServerContext } from '../call.ts'
import { writeJson } from '../database/lossless-json.ts'
import { readEvents } from '../endpoints/records/events.ts'
import { type EventIds, idsBelow } from '../lifecycle/event-ids.ts'
import { invalid, readQuery } from './input.ts'
import type { RequestContext } from './request-context.ts'

/** How long a stream may be silent, in milliseconds: proxies cut off what says nothing for longer. */
const heartbeatMs = 10_000
const pollMs = 250
const page = 500

/** `GET /jobs/events/stream`: events as they become complete, until the reader or the server goes. */
export async function streamEvents(
  c: Context<RequestContext>,
  { sql, eventWatermark, stopping, log }: ServerContext,
): Promise<Response> {
  const request = readQuery(c, eventStream.input)
  const { signal } = c.req.raw
  const over = () => signal.aborted || stopping.aborted
  let cursor = cursorOf(c.req.header('last-event-id')) ?? request.after_id
  // The first look is before the answer, so that a database that is away is a 503 and no stream.
  let last = await eventWatermark.reached()
  c.header(headers.requestId, c.get('requestId'))
  c.header('X-Accel-Buffering', 'no')
  if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': 'text/event-stream' })
  const response = streamSSE(c, async (stream) => {
    let told = Number.NEGATIVE_INFINITY
    try {
      while (!over() && !stream.aborted) {
        const ids = cursor > last ? await idsBelow(sql, cursor) : undefined
        if (ids) {
          await reset(stream, ids)
          cursor = ids.newest_id
        }
        const events = await readEvents(sql, { ...request, after_id: cursor, limit: page }, last)
        if (events.length > 0) await c.get('stillAllowed')()
        for (const event of events) await tell(stream, event)
        if (events.length > 0) told = performance.now()
        cursor = events.length === page ? (events.at(-1)?.id ?? last) : Math.max(cursor, last)
        if (events.length === page) continue
        if (performance.now() - told > heartbeatMs) {
          await c.get('stillAllowed')()
          await beat(stream, cursor)
          told = performance.now()
        }
        await sleep(pollMs, undefined, { signal }).catch(() => {})
        last = await eventWatermark.reached(pollMs / 2)
      }
    } catch (error) {
      // The reader comes back with its Last-Event-ID, and hears then what is wrong.
      if (!over()) log.warn(`an event stream ended: ${error}`, { request_id: c.get('requestId') })
    }
  })
  // How a body is framed depends on the version of HTTP, which Node knows.
  for (const name of ['Transfer-Encoding', 'Connection']) response.headers.delete(name)
  return response
}

const tell = (stream: SSEStreamingApi, event: JobEvent): Promise<void> =>
  stream.writeSSE({ id: String(event.id), event: 'job', data: writeJson(streamedEvent(event)) })

/** The cursor is of another log, or of a lost part of this one: the reader has to start again, and new events follow. */
const reset = (stream: SSEStreamingApi, ids: EventIds): Promise<void> =>
  stream.writeSSE({ id: String(ids.newest_id), event: 'reset', data: writeJson(ids) })

/** A sign of life, and the place to go on from: filtered readers need not read the same again. */
const beat = (stream: SSEStreamingApi, cursor: number) => stream.write(`id: ${cursor}\n: heartbeat\n\n`)

/** @throws Failure `invalid_request` for what no stream of ours has sent */
function cursorOf(header: string | undefined): number | undefined {
  const given = header?.trim()
  if (!given) return undefined
  if (/^\d{1,16}$/.test(given) && Number.isSafeInteger(Number(given))) return Number(given)
  throw invalid([{ path: 'Last-Event-ID', message: 'must be the id of an event' }])
}

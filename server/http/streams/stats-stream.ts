import type { Context, Handler } from 'hono'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import { statsStream } from '../../../shared/endpoints.ts'
import type { Caller } from '../../auth/authenticate.ts'
import type { ServerContext } from '../../call.ts'
import type { Wanted } from '../../endpoints/queues/fold-groups.ts'
import { type LiveMessage, messageTo } from '../../endpoints/queues/live-frame.ts'
import { type LiveStats, readLiveStats } from '../../endpoints/queues/live-stats.ts'
import { createFeeds, type Feed } from '../../waiting/feed.ts'
import { withDeadline } from '../../waiting/long-poll.ts'
import { turn } from '../../waiting/turns.ts'
import { disconnectController } from '../connection/client-disconnect.ts'
import { readQuery } from '../input.ts'
import type { RequestContext } from '../request/request-context.ts'
import { plainStream, setStreamHeaders, writeInPieces } from './stream-headers.ts'

/** The least time between two messages. */
const frameMs = 1000
/** A stream sends something at least this often, since proxies close silent connections. */
const heartbeatMs = 10_000

type Serving = Pick<ServerContext, 'operatorSql' | 'stopping' | 'log'>

/**
 * `GET /jobs/stats/stream`: the counts of all groups, and then what changes, until the reader disconnects or the server stops.
 * One read a second serves all readers with the same scope. The handler throws Failure `invalid_request`, or any failure of the database, before
 * the stream begins.
 */
export function streamStats(serving: Serving): Handler<RequestContext> {
  const feeds = createFeeds<Caller['within'], LiveStats>({
    intervalMs: frameMs,
    read: (within, before) => readLiveStats({ sql: serving.operatorSql, within }, before),
  })
  return async (c) => {
    const feed = feeds.of(c.get('caller').within)
    const wanted = readQuery(c, statsStream.input, serving.operatorSql)
    // The first read runs before the response begins, so that an unreachable database is a 503 and not an empty stream.
    const first = await feed.after(undefined)
    setStreamHeaders(c)
    if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': 'text/event-stream' })
    const gone = disconnectController(c.env.outgoing).signal
    const response = streamSSE(c, (stream) => sendAll({ c, serving, feed, wanted, gone, stream }, first))
    return plainStream(c, response, serving.stopping)
  }
}

interface Sending {
  c: Context<RequestContext>
  serving: Serving
  feed: Feed<LiveStats>
  wanted: Wanted
  gone: AbortSignal
  stream: SSEStreamingApi
}

/** Sends messages to one reader. A reader that is slow skips reads: of all reads, it keeps the one that it was sent last. */
async function sendAll(sending: Sending, first: LiveStats): Promise<void> {
  const { c, serving, feed, wanted, gone, stream } = sending
  const { stopping, log } = serving
  const over = () => gone.aborted || stopping.aborted
  let seen: LiveStats | undefined
  let read = first
  let sentAt = performance.now()
  try {
    while (!over()) {
      const message = messageTo(read, seen, wanted)
      seen = read
      if (message || performance.now() - sentAt > heartbeatMs) {
        await writeInPieces(c, stream, encoder.encode(message ? textOf(message) : ': heartbeat\n\n'))
        sentAt = performance.now()
      }
      const next = await nextRead(sending, feed, read)
      if (over()) return
      await c.get('stillAllowed')()
      await turn()
      read = next ?? read
    }
  } catch (error) {
    // The reader connects again, and then gets the error as a response.
    if (!over()) log.warn(`a stream of stats ended: ${error}`, { request_id: c.get('requestId') })
  }
}

const encoder = new TextEncoder()

/** A message as the stream has it. Its data is JSON of one line. */
const textOf = ({ event, data }: LiveMessage): string => `event: ${event}\ndata: ${data}\n\n`

/** The next read; undefined where it takes longer than the time between two heartbeats, or the stream is over. */
const nextRead = ({ gone, serving }: Sending, feed: Feed<LiveStats>, read: LiveStats): Promise<LiveStats | undefined> =>
  withDeadline(
    [gone, serving.stopping],
    heartbeatMs,
    (until) =>
      new Promise((resolve, reject) => {
        until.addEventListener('abort', () => resolve(undefined), { once: true })
        feed.after(read).then(resolve, reject)
      }),
  )

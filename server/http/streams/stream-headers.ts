import type { Context } from 'hono'
import type { SSEStreamingApi } from 'hono/streaming'
import { headers } from '../../../shared/headers.ts'
import type { RequestContext } from '../request/request-context.ts'
import { securityHeaders } from '../security-headers.ts'

/** Sets the headers of a response that is written while the call goes on, and says that it is one. */
export function setStreamHeaders(c: Context<RequestContext>): void {
  c.set('isStream', c.req.method !== 'HEAD')
  const all = { [headers.requestId]: c.get('requestId'), 'X-Accel-Buffering': 'no', ...securityHeaders }
  for (const [name, value] of Object.entries(all)) c.header(name, value)
}

/** How long a reader may take to read what was written when the server stops, in milliseconds. */
const lastReadMs = 1000

/**
 * A stream of events without the headers that Hono adds. Node frames the body, because that depends on the version of HTTP. The connection
 * is closed a second after `stopping` at the latest: a reader that takes nothing would hold up the end of the server.
 */
export function plainStream(
  { env: { outgoing } }: Context<RequestContext>,
  response: Response,
  stopping: AbortSignal,
): Response {
  const leave = () => void setTimeout(() => outgoing.destroy(), lastReadMs).unref()
  if (!outgoing.destroyed) {
    stopping.addEventListener('abort', leave, { once: true })
    outgoing.once('close', () => stopping.removeEventListener('abort', leave))
  }
  for (const name of ['Transfer-Encoding', 'Connection']) response.headers.delete(name)
  response.headers.set('Cache-Control', securityHeaders['Cache-Control'])
  return response
}

/** A reader that does not take a piece within this time is disconnected, in milliseconds. */
const longestWriteMs = 30_000

/** The size of a piece, in bytes. */
const pieceBytes = 65_536

/** The end of a session, of a token or of a right ends its streams within this time and a poll, in milliseconds. */
export const checkMs = 1000

/** Writes messages in pieces: a slow reader is disconnected only where it does not take one. */
export async function writeInPieces(
  c: Context<RequestContext>,
  stream: SSEStreamingApi,
  text: Uint8Array,
): Promise<void> {
  let checkedAt = Number.NEGATIVE_INFINITY
  for (let at = 0; at < text.length && !c.env.outgoing.destroyed; at += pieceBytes) {
    if (performance.now() - checkedAt > checkMs) {
      await c.get('stillAllowed')()
      checkedAt = performance.now()
    }
    await written(c, stream.write(text.subarray(at, at + pieceBytes)))
  }
}

/** Waits until the reader has taken what was written; a reader that does not is disconnected. */
export async function written({ env }: Context<RequestContext>, writing: Promise<unknown>): Promise<void> {
  const late = setTimeout(() => env.outgoing.destroy(), longestWriteMs).unref()
  await writing.finally(() => clearTimeout(late))
}

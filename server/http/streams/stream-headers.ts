import type { Context } from 'hono'
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

/** A reader that takes nothing for this long is disconnected, in milliseconds. */
const longestWriteMs = 30_000

/** Waits until the reader has taken what was written; a reader that takes nothing is disconnected. */
export async function written({ env }: Context<RequestContext>, writing: Promise<unknown>): Promise<void> {
  const late = setTimeout(() => env.outgoing.destroy(), longestWriteMs).unref()
  await writing.finally(() => clearTimeout(late))
}

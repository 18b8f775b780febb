import type { Context } from 'hono'
import { headers } from '../../../shared/headers.ts'
import type { RequestContext } from '../request/request-context.ts'
import { securityHeaders } from '../security-headers.ts'

/** The headers of a response that is written while the call goes on. */
export const streamHeaders = (c: Context<RequestContext>): [name: string, value: string][] => [
  [headers.requestId, c.get('requestId')],
  ['X-Accel-Buffering', 'no'],
  ...Object.entries(securityHeaders),
]

/** A stream of events without the headers that Hono adds. Node frames the body, because that depends on the version of HTTP. */
export function plainStream(response: Response): Response {
  for (const name of ['Transfer-Encoding', 'Connection']) response.headers.delete(name)
  response.headers.set('Cache-Control', securityHeaders['Cache-Control'])
  return response
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { headers } from '../../shared/headers.ts'
import { requestIdOf } from './request-id.ts'

export const healthPath = '/healthz'
export const healthBody = JSON.stringify({ status: 'ok' })

const host = /^[a-z0-9._-]+(:[1-9]\d{3,4})?$/
const ownId = headers.requestId.toLowerCase()

/**
 * Whether this was `GET /healthz`: it is answered before anything is made of the request, since whoever watches a
 * server asks for nothing else, every few seconds: the log has no line of it. One that is odd in any way is left to the
 * app, which answers the same.
 */
export function respondToHealth(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
  if (incoming.url !== healthPath || incoming.method !== 'GET' || !host.test(incoming.headers.host ?? '')) return false
  outgoing.writeHead(200, {
    'Content-Type': 'application/json',
    'Content-Length': healthBody.length,
    [headers.requestId]: requestIdOf(incoming.headers[ownId]),
  })
  outgoing.end(healthBody)
  return true
}

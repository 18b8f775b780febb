import type { IncomingMessage, ServerResponse } from 'node:http'
import { headers } from '../shared/headers.ts'
import type { Log } from './log.ts'
import { requestIdOf } from './request-id.ts'

export const healthPath = '/healthz'
export const healthy = JSON.stringify({ status: 'ok' })

const host = /^[a-z0-9._-]+(:[1-9]\d{3,4})?$/
const ownId = headers.requestId.toLowerCase()

/**
 * Whether this was `GET /healthz`: it is answered before anything is made of the request, since whoever watches a
 * server asks for nothing else. One that is odd in any way is left to the app, which answers the same.
 */
export function answeredHealth(incoming: IncomingMessage, outgoing: ServerResponse, log: Log): boolean {
  if (incoming.url !== healthPath || incoming.method !== 'GET' || !host.test(incoming.headers.host ?? '')) return false
  const requestId = requestIdOf(incoming.headers[ownId])
  outgoing.writeHead(200, {
    'Content-Type': 'application/json',
    'Content-Length': healthy.length,
    [headers.requestId]: requestId,
  })
  outgoing.end(healthy)
  log.info('request', { method: 'GET', route: healthPath, status: 200, ms: 0, request_id: requestId })
  return true
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { headers } from '../../shared/headers.ts'
import { requestIdOf } from './request/request-log.ts'
import { securityHeaders } from './security-headers.ts'

export const healthPath = '/healthz'
export const healthBody = JSON.stringify({ status: 'ok' })

/** Names and values in turn, as Node writes them without looking each one up. */
const sameHeaders = Object.entries({
  'Content-Type': 'application/json',
  'Content-Length': String(healthBody.length),
  ...securityHeaders,
}).flat()

const host = /^[a-z0-9._-]+(:[1-9]\d{3,4})?$/
const ownId = headers.requestId.toLowerCase()

/**
 * Responds to a plain `GET /healthz` and returns true. Monitoring sends it every few seconds, so it skips the app and is
 * not logged. For any other request it returns false; an unusual request for this path gets the same response from the app.
 */
export function respondToHealth(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
  if (incoming.url !== healthPath || incoming.method !== 'GET' || !host.test(incoming.headers.host ?? '')) return false
  outgoing.writeHead(200, [...sameHeaders, headers.requestId, requestIdOf(incoming.headers[ownId])])
  outgoing.end(healthBody)
  return true
}

import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks' // the global one is looked up at each use
import type { MiddlewareHandler } from 'hono'
import { headers } from '../../../shared/headers.ts'
import type { Log } from '../../log/log.ts'
import { afterResponse, routeOf } from './after-response.ts'
import type { RequestContext } from './request-context.ts'

const plain = /^[\w.:-]{1,128}$/

/** The caller's own request id when it is 1 to 128 plain characters, else a new UUID. */
export const requestIdOf = (own: unknown): string => (typeof own === 'string' && plain.test(own) ? own : randomUUID())

/** Machines ask for these all day: a probe every 2 s would be 43,200 lines a day. */
const regular: ReadonlySet<string> = new Set(['/readyz', '/metrics', '/metrics/jobs'])

/**
 * Gives each request its id, and logs it: duration in ms, who called from where, and what it changed. A probe or a scrape that succeeds is
 * not logged.
 */
export const logRequests =
  (log: Log): MiddlewareHandler<RequestContext> =>
  async (c, next) => {
    const start = performance.now()
    const requestId = requestIdOf(c.req.header(headers.requestId))
    c.set('requestId', requestId)
    await next()
    const ms = Math.round(performance.now() - start)
    afterResponse(() => {
      const [route, status] = [routeOf(c), c.res.status]
      if (status < 400 && regular.has(route)) return
      log.info('request', {
        method: c.req.method,
        route,
        status,
        ms,
        request_id: requestId,
        trace_id: c.get('traceId'),
        caller: c.get('caller')?.id,
        address: c.get('address'),
        operation: c.get('operation'),
        rows: c.get('rows'),
      })
    })
  }

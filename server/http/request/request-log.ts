import { performance } from 'node:perf_hooks' // the global one is looked up at each use
import type { MiddlewareHandler } from 'hono'
import { headers } from '../../../shared/headers.ts'
import type { Log } from '../../log.ts'
import { afterResponse, routeOf } from './after-response.ts'
import type { RequestContext } from './request-context.ts'
import { requestIdOf } from './request-id.ts'

/** Gives each request its id, and logs it: duration in ms, who called from where, and what it changed. */
export const logRequests =
  (log: Log): MiddlewareHandler<RequestContext> =>
  async (c, next) => {
    const start = performance.now()
    const requestId = requestIdOf(c.req.header(headers.requestId))
    c.set('requestId', requestId)
    await next()
    const ms = Math.round(performance.now() - start)
    afterResponse(() =>
      log.info('request', {
        method: c.req.method,
        route: routeOf(c),
        status: c.res.status,
        ms,
        request_id: requestId,
        trace_id: c.get('traceId'),
        caller: c.get('caller')?.id,
        address: c.get('address'),
        operation: c.get('operation'),
        rows: c.get('rows'),
      }),
    )
  }

import { performance } from 'node:perf_hooks'
import type { Context, MiddlewareHandler } from 'hono'
import type { Meter } from '../../meter.ts'
import { afterResponse, routeOf } from './after-response.ts'
import type { RequestContext } from './request-context.ts'

/** Measures each request by the pattern of its path and its status, and counts open streams. */
export const countRequests =
  (meter: Meter): MiddlewareHandler<RequestContext> =>
  async (c, next) => {
    const start = performance.now()
    await next()
    const seconds = (performance.now() - start) / 1000
    afterResponse(() => meter.responded({ route: routeOf(c), status: c.res.status, seconds }))
    // Not by the headers: to read them turns them into `Headers`, which takes longer than all else that is counted.
    if (c.get('isStream')) countStream(c, meter)
  }

function countStream(c: Context<RequestContext>, meter: Meter): void {
  const { outgoing } = c.env
  if (outgoing.destroyed) return
  outgoing.once('close', meter.openStream())
}

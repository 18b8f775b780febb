import { performance } from 'node:perf_hooks'
import type { Context, MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import type { Meter } from '../../meter.ts'
import { readablePathOf } from '../route-paths.ts'
import type { RequestContext } from './request-context.ts'

/** Measures each request by the pattern of its path and its status, and counts open streams. */
export const countRequests =
  (meter: Meter): MiddlewareHandler<RequestContext> =>
  async (c, next) => {
    const start = performance.now()
    await next()
    const seconds = (performance.now() - start) / 1000
    // The caller does not wait for it: the responses of this turn of the event loop are written first.
    setImmediate(() => meter.responded({ route: readablePathOf(routePath(c, -1)), status: c.res.status, seconds }))
    // Not by the headers: to read them turns them into `Headers`, which takes longer than all else that is counted.
    if (c.get('isStream')) countStream(c, meter)
  }

function countStream(c: Context<RequestContext>, meter: Meter): void {
  const { outgoing } = c.env
  if (outgoing.destroyed) return
  outgoing.once('close', meter.openStream())
}

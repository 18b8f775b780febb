import type { Context } from 'hono'
import { matchedRoutes, routePath } from 'hono/route'
import { readablePathOf } from '../route-paths.ts'
import type { RequestContext } from './request-context.ts'

/** Runs what no caller waits for, after the responses of this turn of the event loop are written. It must not throw. */
export const afterResponse = (work: () => void): void => void setImmediate(work)

/**
 * The pattern of the request's path, such as `/api/v1/jobs/:id`. It is found once for the log, the metrics and the span. What runs before
 * endpoints is mounted for all methods, and may be mounted after one.
 */
export function routeOf(c: Context<RequestContext>): string {
  const route = c.get('route') ?? readablePathOf(endpointOf(c)?.path ?? routePath(c, -1))
  c.set('route', route)
  return route
}

const endpointOf = (c: Context<RequestContext>) => matchedRoutes(c).findLast(({ method }) => method !== 'ALL')

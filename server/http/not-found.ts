import type { Hono } from 'hono'
import { Failure } from '../../shared/errors.ts'
import type { RequestContext } from './request/request-context.ts'
import { patternOf } from './route-paths.ts'

const metricsOff = 'metrics are off: JOBS_METRICS=on or JOBS_METRICS_TOKEN turns them on'

/**
 * Paths that this server does not have, each with the sentence of its 404: those of the other server on the same tables, and those
 * of metrics while they are off.
 */
const absentPaths: ReadonlyMap<string, string> = new Map([
  [
    '/api/v1/jobs/crypto/rotate',
    'this server does not rotate keys: it has none, and stores payloads and results as they are sent; nothing was changed',
  ],
  ['/metrics', metricsOff],
  ['/metrics/jobs', metricsOff],
])

/** The methods for which a path is mounted, for the header `Allow`. A path that takes GET also takes HEAD. */
function methodsOf(app: Hono<RequestContext>, path: string): string[] {
  const methods = app.routes
    .filter((route) => route.method !== 'ALL' && patternOf(route.path).test(path))
    .map(({ method }) => method)
  return [...new Set(methods)].flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
}

/** Responds to requests that no route takes: 405 with `Allow` where another method is mounted at the path, else 404. */
export function refuseUnrouted(app: Hono<RequestContext>): void {
  app.notFound((c) => {
    const allow = methodsOf(app, c.req.path)
    if (allow.length > 0) throw new Failure('method_not_allowed', `this path takes ${allow.join(' or ')}`, { allow })
    throw new Failure('not_found', absentPaths.get(c.req.path) ?? 'there is nothing at this path')
  })
}

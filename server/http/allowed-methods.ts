import type { Hono } from 'hono'
import type { RequestContext } from './request/request-context.ts'
import { patternOf } from './route-paths.ts'

/** The methods for which a path is mounted, for the header `Allow`. A path that takes GET also takes HEAD. */
export function methodsOf(app: Hono<RequestContext>, path: string): string[] {
  const methods = app.routes
    .filter((route) => route.method !== 'ALL' && patternOf(route.path).test(path))
    .map(({ method }) => method)
  return [...new Set(methods)].flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
}

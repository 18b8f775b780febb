import type { Context } from 'hono'
import { getPath } from 'hono/utils/url'

/**
 * The path of a request as the router takes it: without the base path. A request without it is taken, too, since a proxy may have
 * taken it away, and programs call the server past the proxy.
 */
export const routedPath = (base: string): ((request: Request) => string) => {
  if (base === '') return getPath
  return (request) => {
    const path = getPath(request)
    if (path === base) return '/'
    return path.startsWith(`${base}/`) ? path.slice(base.length) : path
  }
}

/** The base path, where the request had it. */
export const prefixOf = (c: Context): string => {
  const { pathname } = new URL(c.req.url)
  return pathname.endsWith(c.req.path) ? pathname.slice(0, -c.req.path.length) : ''
}

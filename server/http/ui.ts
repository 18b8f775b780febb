import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serveStatic } from '@hono/node-server/serve-static'
import type { Context, Hono } from 'hono'
import { Failure } from '../../shared/errors.ts'
import { headerOf } from './authenticate.ts'
import type { Site } from './browser/site.ts'
import type { RequestContext } from './request/request-context.ts'
import { respond } from './respond.ts'
import { securityHeaders } from './security-headers.ts'

/** Where the build puts the dashboard, as seen from the program that it makes, and from the source. */
const folders = ['../ui', '../../dist/ui'].map((path) => fileURLToPath(new URL(path, import.meta.url)))

const assets = '/ui/assets/*'
/** The name of a file has the hash of its content. */
const keptForAYear = 'public, max-age=31536000, immutable'

/**
 * Serves the dashboard below `/ui`. Each address of a screen is answered with the same page, which has the base path in it. Its files
 * are no secret, and need no credentials.
 */
export function mountUi(app: Hono<RequestContext>, site: Site): void {
  const toDashboard = (c: Context<RequestContext>) =>
    respond(c, null, { status: 302, more: { Location: `${site.base}/ui/` } })
  const folder = folders.find((path) => existsSync(join(path, 'index.html')))
  app.use('/ui/*', async (c, next) => {
    site.requireOwnHost(headerOf(c))
    await next()
  })
  app.get('/', (c) => {
    // A client without `Accept: text/html` gets 404, as in 0.1.0.
    if (!c.req.header('accept')?.includes('text/html')) throw new Failure('not_found', 'there is nothing at this path')
    return toDashboard(c)
  })
  app.get('/ui', toDashboard)
  if (folder === undefined) {
    app.get('/ui/*', () => {
      throw new Failure('not_found', 'the dashboard is not built', { hint: 'npm run build' })
    })
    return
  }
  app.use(assets, async (c, next) => {
    for (const [name, value] of Object.entries({ ...securityHeaders, 'Cache-Control': keptForAYear }))
      c.header(name, value)
    await next()
  })
  app.get(
    assets,
    serveStatic({ root: folder, precompressed: true, rewriteRequestPath: (path) => path.slice('/ui'.length) }),
  )
  app.get(assets, () => {
    throw new Failure('not_found', 'the dashboard has no such file', {
      hint: 'reload the page: the server may have another version',
    })
  })
  app.get('/ui/*', async (c) => {
    const page = await readFile(join(folder, 'index.html'), 'utf8')
    const text = page.replaceAll('%BASE%', escapeAttribute(site.base))
    return respond(c, text, { type: 'text/html; charset=utf-8' })
  })
}

const escapeAttribute = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')

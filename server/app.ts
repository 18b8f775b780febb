import { randomUUID } from 'node:crypto'
import { Hono, type MiddlewareHandler } from 'hono'
import { except } from 'hono/combine'
import { routePath } from 'hono/route'
import { Failure } from '../shared/errors.ts'
import { headers } from '../shared/headers.ts'
import { acquire } from '../shared/operations.ts'
import type { Authenticator } from './auth/authenticate.ts'
import { explain, failureOf, silent } from './failure-of.ts'
import type { Log } from './log.ts'
import type { Serving } from './operations/call.ts'
import { problemOf } from './problem.ts'
import { routes } from './routes.ts'
import { listenForSilence } from './silence.ts'
import type { Vars } from './vars.ts'

interface AppOptions extends Serving {
  auth: Authenticator
  /** @throws Failure when the database is not there, or not ready */
  checkDatabase: () => Promise<void>
  /** True once the tables are there. */
  isReady: () => boolean
}

/** A worker's call may be held for so long before it asks the database for the last time. */
const longestWaitMs = 60_000

/** The server as a function from request to answer. */
export function createApp(options: AppOptions): Hono<Vars> {
  const { auth, log, callTimeoutMs, checkDatabase, isReady, stopping } = options
  const app = new Hono<Vars>()
  app.use(identified, logged(log))
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.use(async (_c, next) => {
    if (stopping.aborted) {
      throw new Failure('shutting_down', 'the server is shutting down; nothing was changed', { retryAfter: 5 })
    }
    await next()
  })
  app.get('/readyz', async (c) => {
    await checkDatabase()
    return c.json({ status: 'ready' })
  })
  app.use(acquire.path, within(callTimeoutMs + longestWaitMs))
  app.use('/api/*', except(acquire.path, within(callTimeoutMs)))
  app.use('/api/*', async (c, next) => {
    // Before the caller is known, since tokens are kept in the database, too.
    if (!isReady()) {
      throw new Failure('database_unavailable', 'the database is not ready yet; nothing was changed', { retryAfter: 2 })
    }
    c.set('caller', (await auth.authenticate((name) => c.req.header(name))).name)
    await next()
  })
  routes(app, options)
  app.notFound((c) => {
    const allow = methodsOf(app, c.req.path)
    if (allow.length === 0) throw new Failure('not_found', 'there is nothing at this path')
    throw new Failure('method_not_allowed', `this path takes ${allow.join(' or ')}`, { allow })
  })
  app.onError((error, c) => {
    const failure = failureOf(error, c.get('changing') ?? false)
    const requestId = c.get('requestId')
    explain(log, failure, requestId)
    if (failure.retryAfter !== undefined) c.header('Retry-After', String(failure.retryAfter))
    if (failure.code === 'unauthenticated') c.header('WWW-Authenticate', auth.challenge)
    if (failure.allow.length > 0) c.header('Allow', failure.allow.join(', '))
    const problem = problemOf(failure, requestId)
    c.header('Content-Type', 'application/problem+json')
    return c.body(JSON.stringify(problem), { status: problem.status })
  })
  return app
}

/** A caller's own request id is kept when it is short and plain. */
const identified: MiddlewareHandler<Vars> = async (c, next) => {
  const own = c.req.header(headers.requestId) ?? ''
  const id = /^[\w.:-]{1,128}$/.test(own) ? own : randomUUID()
  c.set('requestId', id)
  c.header(headers.requestId, id)
  await next()
}

const logged =
  (log: Log): MiddlewareHandler<Vars> =>
  async (c, next) => {
    const start = performance.now()
    await next()
    log.info('request', {
      method: c.req.method,
      route: routePath(c, -1),
      status: c.res.status,
      ms: Math.round(performance.now() - start),
      request_id: c.get('requestId'),
      caller: c.get('caller'),
      rows: c.get('rows'),
    })
  }

/** A database that went silent must not keep its callers waiting; a change that goes on says so. */
const within =
  (limitMs: number): MiddlewareHandler<Vars> =>
  async (c, next) => {
    const silence = listenForSilence(limitMs)
    c.set('alive', silence.broken)
    const outcome = await Promise.race([next(), silence.fallen])
    silence.end()
    if (outcome === 'silence') throw silent(c.get('changing') ?? false)
  }

/** The methods that a path is mounted for; what answers GET answers HEAD. */
function methodsOf(app: Hono<Vars>, path: string): string[] {
  const methods = app.routes
    .filter((route) => route.method !== 'ALL' && patternOf(route.path).test(path))
    .map(({ method }) => method)
  return [...new Set(methods)].flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
}

/** A part such as `:id` stands for any. */
const patternOf = (path: string): RegExp => new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`)

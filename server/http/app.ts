import { performance } from 'node:perf_hooks' // the global one is looked up at each use
import { Hono, type MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import { acquire } from '../../shared/endpoints.ts'
import { Failure } from '../../shared/errors.ts'
import { headers } from '../../shared/headers.ts'
import type { Authenticator } from '../auth/authenticate.ts'
import type { ServerContext } from '../call.ts'
import type { Log } from '../log.ts'
import { inactivityFailure, logFailure, toFailure } from './error-mapping.ts'
import { healthBody, healthPath } from './health.ts'
import { startInactivityTimeout } from './inactivity-timeout.ts'
import { problemOf } from './problem.ts'
import type { RequestContext } from './request-context.ts'
import { requestIdOf } from './request-id.ts'
import { respond } from './respond.ts'
import { mountRoutes } from './routes.ts'

interface AppOptions extends ServerContext {
  auth: Authenticator
  /** @throws Failure when the database is not there, or not ready */
  checkDatabase: () => Promise<void>
  /** True once the tables are there. */
  isReady: () => boolean
}

/** A worker's call may be held for so long before it asks the database for the last time. */
const longestWaitMs = 60_000

/** The server as a function from request to answer. */
export function createApp(options: AppOptions): Hono<RequestContext> {
  const { auth, log, callTimeoutMs, checkDatabase, isReady, stopping } = options
  const app = new Hono<RequestContext>()
  app.use(told(log))
  app.get(healthPath, (c) => respond(c, healthBody))
  app.use(async (_c, next) => {
    if (stopping.aborted) {
      throw new Failure('shutting_down', 'the server is shutting down; nothing was changed', { retryAfter: 5 })
    }
    await next()
  })
  app.get('/readyz', async (c) => {
    await checkDatabase()
    return respond(c, JSON.stringify({ status: 'ready' }))
  })
  app.use('/api/*', within(callTimeoutMs))
  app.use('/api/*', async (c, next) => {
    // Before the caller is known, since tokens are kept in the database, too.
    if (!isReady()) {
      throw new Failure('database_unavailable', 'the database is not ready yet; nothing was changed', { retryAfter: 2 })
    }
    const caller = () => auth.authenticate((name) => c.req.header(name))
    c.set('caller', (await caller()).name)
    c.set('stillAllowed', async () => void (await caller()))
    await next()
  })
  mountRoutes(app, options)
  app.notFound((c) => {
    const allow = methodsOf(app, c.req.path)
    if (allow.length === 0) throw new Failure('not_found', 'there is nothing at this path')
    throw new Failure('method_not_allowed', `this path takes ${allow.join(' or ')}`, { allow })
  })
  app.onError((error, c) => {
    const failure = toFailure(error, c.get('changing') ?? false)
    const requestId = c.get('requestId')
    logFailure(log, failure, requestId)
    const problem = problemOf(failure, requestId)
    return respond(c, JSON.stringify(problem), {
      status: problem.status,
      type: 'application/problem+json',
      more: {
        ...(failure.retryAfter !== undefined && { 'Retry-After': String(failure.retryAfter) }),
        ...(failure.code === 'unauthenticated' && { 'WWW-Authenticate': auth.challenge }),
        ...(failure.allow.length > 0 && { Allow: failure.allow.join(', ') }),
      },
    })
  })
  return app
}

/** Gives a call its id, and tells the log how it ended. */
const told =
  (log: Log): MiddlewareHandler<RequestContext> =>
  async (c, next) => {
    const start = performance.now()
    const requestId = requestIdOf(c.req.header(headers.requestId))
    c.set('requestId', requestId)
    await next()
    log.info('request', {
      method: c.req.method,
      route: routePath(c, -1),
      status: c.res.status,
      ms: Math.round(performance.now() - start),
      request_id: requestId,
      caller: c.get('caller'),
      rows: c.get('rows'),
    })
  }

/** A database that went silent must not keep its callers waiting; a change that goes on says so. */
const within =
  (limitMs: number): MiddlewareHandler<RequestContext> =>
  async (c, next) => {
    const silence = startInactivityTimeout(c.req.path === acquire.path ? limitMs + longestWaitMs : limitMs)
    c.set('alive', silence.restart)
    const outcome = await Promise.race([next(), silence.expired])
    silence.end()
    if (outcome === 'silence') throw inactivityFailure(c.get('changing') ?? false)
  }

/** The methods that a path is mounted for; what answers GET answers HEAD. */
function methodsOf(app: Hono<RequestContext>, path: string): string[] {
  const methods = app.routes
    .filter((route) => route.method !== 'ALL' && patternOf(route.path).test(path))
    .map(({ method }) => method)
  return [...new Set(methods)].flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
}

/** A part such as `:id` stands for any. */
const patternOf = (path: string): RegExp => new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`)

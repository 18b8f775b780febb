import { Hono, type MiddlewareHandler } from 'hono'
import { Failure } from '../../shared/errors.ts'
import { keepCall } from '../auth/agents/agent-calls.ts'
import type { BrowserSignOn } from '../auth/oidc/browser-sign-on.ts'
import type { ServerContext } from '../call.ts'
import { orWithoutRight } from '../database/errors/failure.ts'
import { readFreeze } from '../database/installation/freeze.ts'
import { readDifferences } from '../database/installation/installation.ts'
import { problemForAgent } from './agents/problem.ts'
import { mountAgentSessions } from './agents/session-routes.ts'
import { type Admission, authenticate } from './authenticate.ts'
import { routedPath } from './browser/base-path.ts'
import { mountOneTimeLogin, type OneTimeLogin } from './browser/one-time-login.ts'
import { mountSessions } from './browser/session-routes.ts'
import { mountSignOn } from './browser/sign-on-routes.ts'
import { limitSilence } from './connection/call-timeout.ts'
import { logFailure, toFailure } from './error-mapping.ts'
import { healthBody, healthPath } from './health.ts'
import { mountMcp } from './mcp/door.ts'
import { hasCredentials, mountMetrics } from './metrics.ts'
import { refuseUnrouted } from './not-found.ts'
import { problemOf } from './problem.ts'
import { countRequests } from './request/count-requests.ts'
import { MemoRouter } from './request/memo-router.ts'
import type { RequestContext } from './request/request-context.ts'
import { logRequests } from './request/request-log.ts'
import { traceRequests } from './request/traces.ts'
import { respond } from './respond.ts'
import { mountRoutes } from './routes.ts'
import { mountUi } from './ui.ts'

interface AppOptions extends ServerContext, Omit<Admission, 'sql'> {
  /** @throws Failure `database_unavailable` when the database does not answer, or is not ready */
  checkDatabase: () => Promise<void>
  /** Aborted once the server wants no new callers, while it still serves those that come. */
  draining: AbortSignal
  /** Undefined where browsers do not log in by single sign-on. */
  signOn: BrowserSignOn | undefined
  /** `JOBS_METRICS_TOKEN`, as it is now. */
  metricsToken: () => string | undefined
  /** True for a server with one key that listens beyond this machine. */
  isOpenToOthers: boolean
  /** A link that logs one browser in; absent on servers for everybody. */
  login?: OneTimeLogin | undefined
}

/** The server as a function from a request to its response. */
export function createApp(options: AppOptions): Hono<RequestContext> {
  const app = new Hono<RequestContext>({ getPath: routedPath(options.site.base), router: new MemoRouter() })
  app.use(traceRequests)
  if (options.meter) app.use(countRequests(options.meter))
  app.use(logRequests(options.log))
  app.get(healthPath, (c) => respond(c, healthBody))
  app.get('/openapi.json', async (c) => {
    // Few processes are asked for it: it is read then.
    const { default: openApi } = await import('./openapi.json', { with: { type: 'json' } })
    return respond(c, JSON.stringify(openApi))
  })
  app.use(refuseOnce(options.stopping))
  app.get('/readyz', refuseOnce(options.draining), async (c) => {
    await options.checkDatabase()
    const { sql, databaseAddress } = options
    // What the role may not read does not keep the calls of workers from being answered.
    const [freeze, differences] = await Promise.all([
      orWithoutRight(readFreeze(sql), undefined),
      orWithoutRight(readDifferences(sql, databaseAddress), []),
    ])
    const [frozen, cloned] = [freeze !== undefined, differences.length > 0]
    // The reasons are for callers with a key.
    return respond(c, JSON.stringify({ status: 'ready', ...(frozen && { frozen }), ...(cloned && { cloned }) }))
  })
  const { meter, metricsToken: token } = options
  const authenticated = authenticate(options)
  if (meter) mountMetrics(app, { serving: options, meter, token, authenticate: authenticated })
  app.use('/api/*', limitSilence(options.callTimeoutMs))
  if (options.login) mountOneTimeLogin(app, options.site, options.login)
  mountSessions(app, options)
  mountSignOn(app, options)
  mountMcp(app, { ...options, authenticated })
  app.use('/api/*', authenticated)
  mountAgentSessions(app, options)
  mountRoutes(app, options)
  if (options.ui !== 'off') mountUi(app, options.site)
  refuseUnrouted(app)
  respondToErrors(app, options)
  return app
}

const refuseOnce =
  (stopping: AbortSignal): MiddlewareHandler<RequestContext> =>
  async (_c, next) => {
    if (stopping.aborted) {
      throw new Failure('shutting_down', 'the server is shutting down; nothing was changed', { retryAfter: 5 })
    }
    await next()
  }

/** Responds to every error that a call throws with a problem document. */
function respondToErrors(app: Hono<RequestContext>, { log, auth, meter, operatorSql }: AppOptions): void {
  app.onError(async (error, c) => {
    const failure = toFailure(error, c.get('changing') ?? false)
    const requestId = c.get('requestId')
    logFailure(log, failure, requestId)
    meter?.failed(failure, hasCredentials(c))
    const caller = c.get('caller')
    const asked = c.get('askedByAgent')
    if (caller && asked)
      await keepCall(operatorSql, { ...asked, caller, rows: 0, fields: [], failed: failure.code }).catch(
        (lost: unknown) => logFailure(log, toFailure(lost, false), requestId),
      )
    const whole = problemOf(failure, requestId)
    const problem = caller?.agent ? problemForAgent(whole, caller, c.get('hiddenNames') ?? []) : whole
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
}

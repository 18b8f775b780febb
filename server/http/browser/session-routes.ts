import type { Context, Hono } from 'hono'
import { endSession, openSession, showSession } from '../../../shared/endpoints.ts'
import { Failure } from '../../../shared/errors.ts'
import { refuseAgent } from '../../auth/agents/require-agent.ts'
import type { BrowserSignOn } from '../../auth/oidc/browser-sign-on.ts'
import { requireRight } from '../../auth/require-right.ts'
import { callerOfSession, inBrowser } from '../../auth/sessions/session-authenticator.ts'
import { sessionName } from '../../auth/sessions/session-store.ts'
import { isSingleSignOn } from '../../auth/single-sign-on-id.ts'
import type { ServerContext } from '../../call.ts'
import { openSession as open, openedSession } from '../../endpoints/access/sessions.ts'
import { type Admission, headerOf, requireReady, sessionSecret } from '../authenticate.ts'
import { limitBody } from '../body-limit.ts'
import { readInput, readReason, requireConfirmation } from '../input.ts'
import { atStandby } from '../request/read-at.ts'
import type { RequestContext } from '../request/request-context.ts'
import { respond } from '../respond.ts'
import type { OneTimeLogin } from './one-time-login.ts'

type Serving = Admission &
  Pick<ServerContext, 'sql' | 'maxBodyBytes' | 'approvalAbove'> & {
    signOn: BrowserSignOn | undefined
    login?: OneTimeLogin | undefined
  }
type CallContext = Context<RequestContext>

/** Mounts the calls of sessions that need no credentials. They stand before the check of credentials. */
export function mountSessions(app: Hono<RequestContext>, serving: Serving): void {
  const { site } = serving
  app.on('POST', openSession.path, requireReady(serving), limitBody(serving.maxBodyBytes), (c) => logIn(c, serving))
  app.on('GET', showSession.path, requireReady(serving), (c) => show(c, serving))
  app.use(endSession.path, async (c, next) => {
    await next()
    if (c.res.status === 200) c.res.headers.set('Set-Cookie', site.sessionCookie(headerOf(c), undefined))
  })
}

async function logIn(c: CallContext, serving: Serving): Promise<Response> {
  const { sql, site, auth, standby } = serving
  const header = headerOf(c)
  if (standby.isOn()) throw atStandby('a login in a browser writes a session, which needs the primary')
  site.requireOwnHost(header)
  site.requireSameOrigin({ method: c.req.method, header })
  const { input } = await readInput(c, openSession, sql)
  requireConfirmation(c)
  const address = c.get('address')
  const known = await auth.authenticate({ secret: input.key, address: address ?? '' })
  refuseAgent(known, 'opens no session of a browser')
  const caller = inBrowser(known, serving.ui)
  // The session would outlive the token, which the provider gives for minutes.
  if (isSingleSignOn(caller.id)) throw notByToken()
  requireRight(caller, openSession.needs)
  c.set('caller', caller)
  const actor = { caller: caller.id, reason: readReason(c), requestId: c.get('requestId'), address }
  const replaces = await currentSession(c, serving)
  const { secret, opened } = await open(sql, { caller, hash: auth.hashOf(input.key), way: auth.way, actor, replaces })
  const session = { name: sessionName(secret), opened, age: 0, may: known.may }
  return respond(c, JSON.stringify(await openedSession(serving, caller, session)), {
    status: 201,
    more: { 'Set-Cookie': site.sessionCookie(header, secret) },
  })
}

async function show(c: CallContext, serving: Serving): Promise<Response> {
  const { auth, site } = serving
  site.requireOwnHost(headerOf(c))
  const caller = await currentSession(c, serving)
  const opened = caller?.session && (await openedSession(serving, caller, caller.session))
  return respond(
    c,
    JSON.stringify(
      showSession.output.parse({
        // Nobody knows the key of a dashboard that a link opens.
        ways: serving.login ? ['link'] : [auth.way, ...(serving.signOn ? ['single_sign_on'] : [])],
        caller: opened ?? null,
        ...(opened && serving.login?.profile && { profile: serving.login.profile }),
      }),
    ),
  )
}

/** The caller of the session that the browser has; undefined where it has none, or one that has ended. */
async function currentSession(c: CallContext, serving: Serving) {
  try {
    const secret = sessionSecret(c, serving.site)
    return secret === undefined ? undefined : await callerOfSession(serving, { secret, isCall: true })
  } catch (error) {
    if (error instanceof Failure && error.code === 'unauthenticated') return undefined
    throw error
  }
}

const notByToken = (): Failure =>
  new Failure('forbidden', 'a token of single sign-on opens no session; nothing was changed', {
    hint: 'log in by single sign-on, or with a token of jobs-server',
  })

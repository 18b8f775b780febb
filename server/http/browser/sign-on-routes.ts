import type { Context, Hono } from 'hono'
import { signOnPath } from '../../../shared/access/sign-on-path.ts'
import { Failure } from '../../../shared/errors.ts'
import type { BrowserSignOn } from '../../auth/oidc/browser-sign-on.ts'
import { requireRight } from '../../auth/require-right.ts'
import { hashed } from '../../auth/secrets.ts'
import type { ServerContext } from '../../call.ts'
import { openSession } from '../../endpoints/access/sessions.ts'
import { type Admission, headerOf, requireReady } from '../authenticate.ts'
import { atStandby } from '../request/read-at.ts'
import type { RequestContext } from '../request/request-context.ts'
import { respond } from '../respond.ts'
import { cookieValues } from './cookie.ts'

type Serving = Admission & Pick<ServerContext, 'sql'> & { signOn: BrowserSignOn | undefined }
type CallContext = Context<RequestContext>

const callbackPath = '/api/v1/session/callback'

/** Mounts the two pages of a login by single sign-on: a link to the provider, and the page to which it sends the browser back. */
export function mountSignOn(app: Hono<RequestContext>, serving: Serving): void {
  const { signOn } = serving
  if (!signOn) return
  app.get(signOnPath, requireReady(serving), (c) => begin(c, serving, signOn))
  app.get(callbackPath, requireReady(serving), (c) => finish(c, serving, signOn))
}

async function begin(c: CallContext, { site, standby }: Serving, signOn: BrowserSignOn): Promise<Response> {
  const header = headerOf(c)
  site.requireOwnHost(header)
  if (standby.isOn()) throw atStandby('a login in a browser writes a session, which needs the primary')
  const returnsTo = `${site.rootOf(header)}${callbackPath}`
  const { url, secret } = await signOn.begin({ returnsTo, address: c.get('address') })
  return respond(c, null, { status: 302, more: { Location: url, 'Set-Cookie': site.loginCookie(header, secret) } })
}

async function finish(c: CallContext, { sql, site, ui }: Serving, signOn: BrowserSignOn): Promise<Response> {
  const header = headerOf(c)
  site.requireOwnHost(header)
  const [secret, ...others] = cookieValues(header('cookie'), site.loginCookieName(header))
  if (secret === undefined || others.length > 0) throw withoutLogin()
  const { search } = new URL(c.req.url)
  const caller = await signOn.finish(`${site.rootOf(header)}${callbackPath}${search}`, secret)
  requireRight(caller, 'identity')
  c.set('caller', caller)
  const address = c.get('address')
  const made = await openSession(sql, {
    caller,
    hash: hashed(caller.id),
    way: 'single_sign_on',
    replaces: undefined,
    actor: { caller: caller.id, requestId: c.get('requestId'), address },
  })
  const response = respond(c, loggedInPage(`${site.base}${ui === 'off' ? '/api/v1/session' : '/ui/'}`), {
    type: 'text/html; charset=utf-8',
    more: { 'Set-Cookie': site.sessionCookie(header, made.secret) },
  })
  response.headers.append('Set-Cookie', site.loginCookie(header, undefined))
  return response
}

/**
 * The provider has sent the browser here, so that it sends no cookie with SameSite=Strict in this request; it does from this page on.
 * @param next a path whose characters need no escape in HTML
 */
const loggedInPage = (next: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=${next}">` +
  `<title>Logged in</title><p>You are logged in. <a href="${next}">Go on</a></p></html>\n`

const withoutLogin = (): Failure =>
  new Failure(
    'forbidden',
    'the login was not begun in this browser, or took more than ten minutes; you are not logged in',
    {
      hint: `begin again: ${signOnPath}`,
    },
  )

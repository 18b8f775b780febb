import type { Context, Hono } from 'hono'
import { endSession } from '../../../shared/endpoints.ts'
import { Failure } from '../../../shared/errors.ts'
import { headerOf, sessionSecret } from '../authenticate.ts'
import type { RequestContext } from '../request/request-context.ts'
import { respond } from '../respond.ts'
import type { Site } from './site.ts'

/** A link that logs one browser in, for the person who started the dashboard. */
export interface OneTimeLogin {
  /** The profile of `jobsctl` that named the database; null where none did. */
  profile: string | null
  /** Opens a session with the code of the link, and returns its secret; undefined for a wrong code, and for the second use. */
  open: (code: string) => string | undefined
  /** Ends a session. Returns false for one that the link has not opened. */
  end: (secret: string) => boolean
}

/** Mounts the link, and the end of its session. They stand before the check of credentials. */
export function mountOneTimeLogin(app: Hono<RequestContext>, site: Site, login: OneTimeLogin): void {
  app.get('/login/:code', (c) => {
    const header = headerOf(c)
    site.requireOwnHost(header)
    const secret = login.open(c.req.param('code'))
    if (secret === undefined) throw usedUp()
    return toDashboard(c, site, secret)
  })
  app.on('POST', endSession.path, async (c, next) => {
    const secret = sessionSecret(c, site)
    if (secret === undefined || !login.end(secret)) return next()
    const forgotten = site.sessionCookie(headerOf(c), undefined)
    return respond(c, JSON.stringify({ ended: 1 }), { more: { 'Set-Cookie': forgotten } })
  })
}

const toDashboard = (c: Context<RequestContext>, site: Site, secret: string): Response =>
  respond(c, null, {
    status: 302,
    more: { Location: `${site.base}/ui/`, 'Set-Cookie': site.sessionCookie(headerOf(c), secret) },
  })

const usedUp = (): Failure =>
  new Failure('unauthenticated', 'the link logs in once, and has been used, or is not right', {
    hint: 'start jobsctl ui again for another link',
  })

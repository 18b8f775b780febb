import type { Context, MiddlewareHandler } from 'hono'
import { Failure } from '../../shared/errors.ts'
import { agentOfSession, isAgentSecret } from '../auth/agents/agent-sessions.ts'
import { callsOfAgents, createAttemptLimit } from '../auth/attempt-limit.ts'
import type { Authenticator, Caller } from '../auth/authenticate.ts'
import type { ReadAddress } from '../auth/client-address.ts'
import { hashed } from '../auth/secrets.ts'
import { callerOfSession } from '../auth/sessions/session-authenticator.ts'
import type { Standby } from '../database/replica/standby.ts'
import type { Sql } from '../database/sql.ts'
import type { Env } from '../env/env.ts'
import type { Log } from '../log/log.ts'
import { createSingleFlight } from '../waiting/single-flight.ts'
import { cookieValues } from './browser/cookie.ts'
import type { Site } from './browser/site.ts'
import type { RequestContext } from './request/request-context.ts'

export interface Admission {
  sql: Sql
  auth: Authenticator
  site: Site
  /** `JOBS_UI`. */
  ui: Env['JOBS_UI']
  readAddress: ReadAddress
  log: Log
  /** True when the tables are there. */
  isReady: () => boolean
  /** Whether reads are answered although the server is not ready. */
  standby: Standby
}

type CallContext = Context<RequestContext>

/** Reads the headers of a request by their names. */
export const headerOf = (c: CallContext) => (name: string) => c.req.header(name)

/** Readiness comes before the caller's credentials, because tokens are kept in the database. */
export const requireReady =
  ({
    isReady,
    standby,
    readAddress,
  }: Pick<Admission, 'isReady' | 'standby' | 'readAddress'>): MiddlewareHandler<RequestContext> =>
  async (c, next) => {
    if (!isReady() && !standby.isOn()) {
      throw new Failure('database_unavailable', 'the database is not ready yet; nothing was changed', { retryAfter: 2 })
    }
    c.set('address', readAddress(c.env.incoming.socket.remoteAddress, c.req.header('x-forwarded-for')))
    await next()
  }

/**
 * Finds out who is calling: by a key or a token in a header, else by the cookie of a session. Calls that last look again, and those with the
 * same credentials share a look: a thousand streams of one token cost one query.
 */
export const authenticate = (admission: Admission): MiddlewareHandler<RequestContext> => {
  const whenReady = requireReady(admission)
  const looks = createSingleFlight<Caller>()
  const calls = createAttemptLimit(admission.log, { counts: callsOfAgents })
  return (c, next) =>
    whenReady(c, async () => {
      const known = c.env.tool?.caller
      const caller = known ?? (await callerOf(c, admission, true))
      if (caller.agent && !known) calls.countAttempt([`agent ${caller.id}`])
      c.set('caller', caller)
      c.set('authenticateAgain', () => looks.share(credentialsKey(c), () => callerOf(c, admission, false)))
      await next()
    })
}

async function callerOf(c: CallContext, admission: Admission, isCall: boolean): Promise<Caller> {
  const secret = admission.auth.secretOf(headerOf(c))
  const cookie = secret ? undefined : sessionSecret(c, admission.site)
  if (secret && isAgentSecret(secret)) return agentOfSession(admission, secret)
  if (cookie !== undefined) return callerOfSession(admission, { secret: cookie, isCall })
  return admission.auth.authenticate({ secret, address: c.get('address') ?? '' })
}

/**
 * The secret of the session whose cookie a request has; undefined without the cookie.
 * @throws Failure `misdirected` or `forbidden` for a request that no page of this server has sent, `unauthenticated` for several cookies
 */
export function sessionSecret(c: CallContext, site: Site): string | undefined {
  const header = headerOf(c)
  const [value, ...others] = cookieValues(header('cookie'), site.cookieName(header))
  if (value === undefined) return undefined
  site.requireOwnHost(header)
  site.requireSameOrigin({ method: c.req.method, header })
  // Another site under the same domain can add a cookie, and nothing says which one is whose.
  if (others.length > 0)
    throw new Failure('unauthenticated', 'the request has several cookies of a session', {
      hint: 'delete the cookies of this server, and log in again',
    })
  return value
}

/** Tells apart what callers of one name call with, without keeping it. */
const credentialsKey = (c: CallContext): string =>
  hashed(['authorization', 'x-api-key', 'cookie'].map((name) => c.req.header(name) ?? '').join('\n'))

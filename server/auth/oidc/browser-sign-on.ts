import type { JWTVerifyGetKey } from 'jose'
import * as client from 'openid-client'
import { signOnPath } from '../../../shared/access/sign-on-path.ts'
import { Failure } from '../../../shared/errors.ts'
import type { Sql } from '../../database/sql.ts'
import type { Log } from '../../log/log.ts'
import { begunLogins, createAttemptLimit } from '../attempt-limit.ts'
import type { Caller } from '../authenticate.ts'
import { freshSeconds } from '../sessions/session-terms.ts'
import { keepLogin, takeLogin } from './begun-logins.ts'
import { createClientConfiguration } from './client-configuration.ts'
import { neededClaims } from './grant-of-claims.ts'
import { keepCaller } from './known-callers.ts'
import { admittedCaller } from './oidc-authenticator.ts'
import type { OidcSettings } from './oidc-settings.ts'
import { providerUnavailable, refusedLogin } from './refused-login.ts'
import { verifyToken } from './verify-token.ts'

/** Logs browsers in by the provider. */
export interface BrowserSignOn {
  /**
   * Begins a login.
   * @returns where to send the browser, and the secret of the cookie by which its return is known
   * @throws Failure `sign_on_unavailable`; `rate_limited` where the address has begun more than 30 in its minute
   */
  begin: (from: { returnsTo: string; address: string | undefined }) => Promise<{ url: string; secret: string }>
  /**
   * Ends a login with the URL to which the provider has sent the browser.
   * @throws Failure `forbidden` for a login that was not begun here, took too long, is used, was refused by the provider, or gives no
   * role; `sign_on_unavailable`
   */
  finish: (url: string, secret: string) => Promise<Caller>
  /**
   * The next login has the secret of the client as its file has it then.
   * @throws Error where the file cannot be read, or is empty; nothing has changed then
   */
  readSecretAgain: () => Promise<void>
}

interface Options {
  sql: Sql
  log: Pick<Log, 'warn'>
  settings: OidcSettings & { clientId: string }
  keys: JWTVerifyGetKey
}

export function createBrowserSignOn({ sql, log, settings, keys }: Options): BrowserSignOn {
  const { issuer, clientId, roles } = settings
  const configuration = createClientConfiguration(settings)
  const limit = createAttemptLimit(log, { counts: begunLogins })
  return {
    readSecretAgain: configuration.readSecretAgain,
    async begin({ returnsTo, address }) {
      limit.countAttempt([`address ${address}`])
      const { config, scope } = await configuration.get().catch(unavailable)
      const login = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        verifier: client.randomPKCECodeVerifier(),
      }
      const secret = await keepLogin(sql, login)
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: returnsTo,
        scope,
        state: login.state,
        nonce: login.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(login.verifier),
        code_challenge_method: 'S256',
        // The person at a browser that logged in long ago logs in again.
        max_age: String(freshSeconds),
      })
      return { url: url.href, secret }
    },
    async finish(url, secret) {
      const login = await takeLogin(sql, secret)
      if (!login) throw notBegun()
      const { config } = await configuration.get().catch(unavailable)
      const { id_token = '' } = await client
        .authorizationCodeGrant(config, new URL(url), {
          pkceCodeVerifier: login.verifier,
          expectedState: login.state,
          expectedNonce: login.nonce,
          idTokenExpected: true,
        })
        .catch((cause: unknown) => {
          throw refusedLogin(cause)
        })
      const claims = await verifyToken(id_token, { issuer, audience: clientId, keys })
      requireFresh(claims.auth_time)
      const caller = await admittedCaller({ sql, issuer, roles }, claims)
      const { id, name } = caller
      await keepCaller(sql, { id, issuer, subject: claims.sub, name, claims: neededClaims(roles, claims) })
      return caller
    },
  }
}

/** A provider that has asked nobody again, though it was asked to, would keep a session fresh that nobody sits at. */
function requireFresh(authTime: unknown): void {
  const grace = 60
  if (typeof authTime !== 'number' || Date.now() / 1000 - authTime <= freshSeconds + grace) return
  throw new Failure(
    'forbidden',
    'the provider of single sign-on did not ask again who you are; you are not logged in',
    {
      hint: 'log out at the provider, then log in again',
    },
  )
}

const notBegun = (): Failure =>
  new Failure(
    'forbidden',
    'the login was not begun in this browser, took more than ten minutes, or is used already; you are not logged in',
    {
      hint: `begin again: ${signOnPath}`,
    },
  )

function unavailable(cause: unknown): never {
  throw cause instanceof Failure ? cause : providerUnavailable(5, cause)
}

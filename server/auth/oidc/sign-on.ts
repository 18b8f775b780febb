import type { Sql } from '../../database/sql.ts'
import type { Log } from '../../log/log.ts'
import type { AttemptLimit } from '../attempt-limit.ts'
import type { Authenticator } from '../authenticate.ts'
import { type BrowserSignOn, createBrowserSignOn } from './browser-sign-on.ts'
import { oidcAuthenticator } from './oidc-authenticator.ts'
import type { OidcSettings } from './oidc-settings.ts'
import { createProviderKeys } from './provider-keys.ts'

interface Options {
  sql: Sql
  log: Pick<Log, 'warn'>
  limit: AttemptLimit
  tokens: Authenticator
  settings: OidcSettings
}

/** Single sign-on beside the tokens of jobs-server. Its code is loaded only where it is on. */
export function createSignOn({ sql, log, limit, tokens, settings }: Options): {
  auth: Authenticator
  /** Undefined without a client. */
  browser: BrowserSignOn | undefined
} {
  const { issuer, audience, roles, clientId } = settings
  const keys = createProviderKeys({ issuer, log })
  return {
    auth: oidcAuthenticator({ sql, limit, tokens, issuer, audience, roles, keys }),
    browser:
      clientId === undefined ? undefined : createBrowserSignOn({ sql, log, settings: { ...settings, clientId }, keys }),
  }
}

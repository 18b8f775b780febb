import type { Sql } from '../../database/sql.ts'
import type { Log } from '../../log.ts'
import type { AttemptLimit } from '../attempt-limit.ts'
import type { Authenticator } from '../authenticate.ts'
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
export function createSignOn({ sql, log, limit, tokens, settings }: Options): Authenticator {
  const { issuer, audience, roles } = settings
  return oidcAuthenticator({ sql, limit, tokens, issuer, audience, roles, keys: createProviderKeys({ issuer, log }) })
}

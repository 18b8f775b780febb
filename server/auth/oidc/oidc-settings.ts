import { Failure } from '../../../shared/errors.ts'
import type { Env } from '../../env/env.ts'
import { type RoleMap, readRoleMap } from '../../env/role-map.ts'

/** Single sign-on, as the environment sets it. */
export interface OidcSettings {
  issuer: string
  /** Undefined where programs do not call with tokens of the provider. */
  audience: string | undefined
  /** Undefined where browsers do not log in by the provider. */
  clientId: string | undefined
  clientSecretFile: string | undefined
  roles: RoleMap
}

/**
 * Undefined where single sign-on is off.
 * @throws Failure `usage` for settings that do not go together
 */
export function oidcSettings(env: Env): OidcSettings | undefined {
  const { JOBS_OIDC_ISSUER: issuer, JOBS_OIDC_AUDIENCE: audience, JOBS_OIDC_CLIENT_ID: clientId } = env
  const { JOBS_OIDC_CLIENT_SECRET_FILE: clientSecretFile } = env
  const roles = readRoleMap(env.JOBS_OIDC_ROLES ?? '')
  const given = [issuer, audience, clientId, clientSecretFile, env.JOBS_OIDC_ROLES].some((one) => one !== undefined)
  if (!given) return undefined
  const lacks = [
    ...(issuer === undefined ? ['JOBS_OIDC_ISSUER is needed'] : []),
    ...(audience === undefined && clientId === undefined
      ? ['JOBS_OIDC_CLIENT_ID or JOBS_OIDC_AUDIENCE is needed']
      : []),
    ...(clientSecretFile !== undefined && clientId === undefined
      ? ['JOBS_OIDC_CLIENT_SECRET_FILE needs JOBS_OIDC_CLIENT_ID']
      : []),
    ...(roles === undefined ? ['JOBS_OIDC_ROLES is needed: without it nobody has a role'] : []),
    ...(env.AUTH_MODE === 'multi_user' ? [] : ['AUTH_MODE=multi_user is needed']),
  ]
  if (issuer === undefined || roles === undefined || lacks.length > 0) {
    throw new Failure('usage', `single sign-on cannot be turned on; nothing was started\n  ${lacks.join('\n  ')}`, {
      hint: 'docs/deploy/single-sign-on.md has an example',
    })
  }
  return { issuer, audience, clientId, clientSecretFile, roles }
}

import type { JWTVerifyGetKey } from 'jose'
import { rightsOf } from '../../../shared/access/rights.ts'
import { Failure } from '../../../shared/errors.ts'
import type { Sql } from '../../database/sql.ts'
import type { RoleMap } from '../../env/role-map.ts'
import type { AttemptLimit } from '../attempt-limit.ts'
import type { Authenticator, Caller } from '../authenticate.ts'
import { hashed } from '../secrets.ts'
import { isSingleSignOn, leaseOwnerOf, singleSignOnId } from '../single-sign-on-id.ts'
import { type Claims, grantOfClaims } from './grant-of-claims.ts'
import { findKnownCaller } from './known-callers.ts'
import { isJwt, verifyToken } from './verify-token.ts'

interface Options {
  sql: Sql
  limit: AttemptLimit
  /** What callers without single sign-on send. */
  tokens: Authenticator
  issuer: string
  /** Undefined where programs do not call with tokens of the provider. */
  audience: string | undefined
  keys: JWTVerifyGetKey
  roles: RoleMap
}

/** Tokens of jobs-server, and beside them tokens of a provider of single sign-on (JWT), whose claims give the role. */
export function oidcAuthenticator({ sql, limit, tokens, issuer, audience, keys, roles }: Options): Authenticator {
  return {
    ...tokens,
    callerBehind: async (id, passes) => {
      if (!isSingleSignOn(id)) return tokens.callerBehind(id, passes)
      const known = await findKnownCaller(sql, id)
      if (!known || known.blocked || !passes(hashed(id))) return undefined
      return callerOfClaims(roles, { ...known, id })
    },
    authenticate: async ({ secret, address }) => {
      if (audience === undefined || secret === undefined || !isJwt(secret))
        return tokens.authenticate({ secret, address })
      const claims = await verifyToken(secret, { issuer, audience, keys }).catch((error: unknown) => {
        if (error instanceof Failure && error.code === 'unauthenticated') limit.countAttempt([`address ${address}`])
        throw error
      })
      return admittedCaller({ sql, issuer, roles }, claims)
    },
  }
}

interface Known {
  id: string
  name: string
  claims: Claims
}

/** Undefined where no entry of the map fits. */
function callerOfClaims(roles: RoleMap, { id, name, claims }: Known): Caller | undefined {
  const grant = grantOfClaims(roles, claims)
  if (!grant) return undefined
  const { role, scope } = grant
  return { id, name, role, principal: id, may: rightsOf(grant), within: scope, leaseOwner: leaseOwnerOf(id) }
}

/**
 * The caller of a token of the provider.
 * @throws Failure `forbidden` for a caller that is blocked, and where no entry of the map fits
 */
export async function admittedCaller(
  { sql, issuer, roles }: Pick<Options, 'sql' | 'issuer' | 'roles'>,
  claims: Claims & { sub: string },
): Promise<Caller> {
  const id = singleSignOnId(issuer, claims.sub)
  if ((await findKnownCaller(sql, id))?.blocked) throw blockedCaller(id)
  const caller = callerOfClaims(roles, { id, name: nameOf(claims), claims })
  if (caller) return caller
  throw new Failure('forbidden', `single sign-on knows ${id}, and gives it no role; nothing was changed`, {
    hint: 'the operator of the server gives roles by claims: JOBS_OIDC_ROLES',
  })
}

const blockedCaller = (id: string): Failure =>
  new Failure('forbidden', `the caller ${id} is blocked; nothing was changed`, {
    hint: 'an admin ends that: POST /api/v1/callers/unblock, or jobs-server callers unblock',
  })

/** A name for people, of which nothing depends. */
function nameOf(claims: Claims): string {
  const name = ['preferred_username', 'email', 'name', 'sub']
    .map((claim) => claims[claim])
    .find((one) => typeof one === 'string' && one)
  return [...String(name)]
    .slice(0, 128)
    .join('')
    .replaceAll(/\p{Cc}/gu, ' ')
}

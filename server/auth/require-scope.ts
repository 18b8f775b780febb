import { isDeepStrictEqual } from 'node:util'
import { liesWithin, scopeText, type TokenScope } from '../../shared/access/token-scope.ts'
import type { Scoped } from '../../shared/endpoint.ts'
import { Failure } from '../../shared/errors.ts'
import type { Scope } from '../../shared/scope.ts'
import { type Limits, mayShareJobs } from '../database/shared-jobs.ts'
import type { Caller } from './authenticate.ts'
import { isSingleSignOn } from './single-sign-on-id.ts'

/** Who gives a scope to a caller of single sign-on. */
const scopeByClaims = 'the operator of the server gives scopes by claims: JOBS_OIDC_ROLES'

type Limited = Pick<Caller, 'id' | 'name' | 'within'>

/**
 * Refuses a call that is not served to callers with a scope. The error names the reason.
 * @throws Failure `forbidden`
 */
export function requireServed({ id, name, within }: Limited, scoped: Scoped): void {
  if (within === undefined || typeof scoped === 'string') return
  throw new Failure(
    'forbidden',
    `the token ${name} (${id}) is limited to ${scopeText(within)}, and is not served here, since ${scoped.refused}; nothing was changed`,
    { hint: 'a token without a scope is served; docs/deploy/users.md says which calls are' },
  )
}

/**
 * Ends a call that lasts when the scope of its token has changed: what it has read, or reads next, is by the previous scope.
 * @throws Failure `forbidden`
 */
export function requireSameScope(before: Limited, { id, name, within }: Limited): void {
  if (isDeepStrictEqual(before.within, within)) return
  throw new Failure('forbidden', `the scope of the token ${name} (${id}) has changed meanwhile`, {
    hint: 'call again: the next call has the new scope',
  })
}

/**
 * Refuses a change that would change jobs outside of the scope of the caller, since they depend on jobs that it ends or brings back. The
 * error has their number alone.
 * @throws Failure `forbidden`
 */
export function requireNoneElsewhere({ caller, identity, within }: LimitedCall, dependents_elsewhere: number): void {
  if (within === undefined || within.cascade || dependents_elsewhere === 0) return
  const jobs =
    dependents_elsewhere === 1 ? '1 job depends' : `${dependents_elsewhere.toLocaleString('en-US')} jobs depend`
  throw new Failure(
    'forbidden',
    `${jobs} on what this would change, outside of the scope of the token ${identity.name} (${caller}); nothing was changed`,
    {
      hint: isSingleSignOn(caller)
        ? `a caller without a scope may; so may one with cascade; ${scopeByClaims}`
        : `a token without a scope may; so may one with --cascade: jobs-server token set-scope ${caller}`,
      fields: { dependents_elsewhere },
    },
  )
}

export interface LimitedCall {
  /** The id of its token. */
  caller: string
  identity: Pick<Caller, 'name'>
  within: Caller['within']
}

/**
 * Refuses a filter that may find jobs outside of the scope of the caller, whether there are any or not.
 * @param what the filter for people, such as `the queue chatbooks/default`
 * @throws Failure `forbidden` that names the scope
 */
export function requireWithin(call: LimitedCall, filter: Scope, what: string): void {
  if (call.within && !liesWithin(call.within, filter)) throw liesOutside(call, call.within, what)
}

/**
 * Refuses a change whose filter names a domain, queue or job type in which the caller can have no jobs. Other filters are narrowed.
 * @throws Failure `forbidden` that names the scope
 */
export function requireMeeting(call: LimitedCall, { domain, queue, job_type }: Limits): void {
  const { within } = call
  if (within === undefined || mayShareJobs({ domain, queue, job_type }, { within })) return
  const names = { domain, queue, 'job type': job_type }
  const named = Object.entries(names).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]))
  throw liesOutside(call, within, named.join(', '))
}

const liesOutside = ({ caller, identity }: LimitedCall, within: TokenScope, what: string): Failure =>
  new Failure(
    'forbidden',
    `the token ${identity.name} (${caller}) is limited to ${scopeText(within)}, and ${what} lies outside; nothing was changed`,
    {
      hint: isSingleSignOn(caller)
        ? scopeByClaims
        : `an admin gives another scope: POST /api/v1/tokens/${caller}/scope, or jobs-server token set-scope ${caller}`,
    },
  )

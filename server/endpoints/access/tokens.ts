import { daysOfRole, type Token } from '../../../shared/access/tokens.ts'
import { findToken, newestTokens } from '../../auth/tokens.ts'
import type { Call } from '../../call.ts'
import { type ActingCall, actorOf } from '../actor.ts'
import type { InputOf, OutputOf } from '../handlers.ts'
import {
  makeOnRecord,
  revokeOnRecord,
  rotateOnRecord,
  setLimitsOnRecord,
  setRoleOnRecord,
  setScopeOnRecord,
  suspendOnRecord,
} from './token-acts.ts'

type TokenCall = ActingCall & Pick<Call, 'sql' | 'identity' | 'reportChangedRows'>
type OneToken = InputOf<'showToken'>

/** Makes a token for the caller's own principal, or for another. */
export async function makeToken(
  call: TokenCall,
  {
    name,
    role,
    may_enqueue,
    approver,
    may_break_glass,
    may_edit,
    of,
    scope,
    max_per_change,
    max_per_day,
    principal = call.identity.principal,
    expires = daysOfRole(role),
  }: InputOf<'makeToken'>,
): Promise<OutputOf<'makeToken'>> {
  const days = expires === 'never' ? undefined : expires
  const flags = { may_enqueue, approver, may_break_glass, may_edit }
  const grant = { role, ...flags, of, principal, madeBy: call.caller, scope, max_per_change, max_per_day }
  const { id, token } = await makeOnRecord(call.sql, actorOf(call), { name, grant, days })
  call.reportChangedRows(1)
  return { ...(await findToken(call.sql, id)), token }
}

export const listTokens = async ({ sql }: TokenCall, { limit }: InputOf<'listTokens'>): Promise<Token[]> => [
  ...(await newestTokens(sql, limit)),
]

/** @throws Failure `not_found` */
export const showToken = ({ sql }: TokenCall, { id }: OneToken): Promise<Token> => findToken(sql, id)

/** @throws Failure `not_found` */
export const setTokenRole = (call: TokenCall, { id, ...grant }: InputOf<'setTokenRole'>): Promise<Token> =>
  afterwards(call, id, setRoleOnRecord(call.sql, actorOf(call), id, grant))

/** @throws Failure `not_found`; `conflict` for a token whose role has no scope */
export const setTokenScope = (call: TokenCall, { id, scope }: InputOf<'setTokenScope'>): Promise<Token> =>
  afterwards(call, id, setScopeOnRecord(call.sql, actorOf(call), id, scope))

/** @throws Failure `not_found`; `conflict` for a role without limits */
export const setTokenLimits = (call: TokenCall, { id, ...limits }: InputOf<'setTokenLimits'>): Promise<Token> =>
  afterwards(call, id, setLimitsOnRecord(call.sql, actorOf(call), id, limits))

/** @throws Failure `not_found`; `conflict` for a revoked token, and for the last one of an admin */
export const suspendToken = (call: TokenCall, { id }: OneToken): Promise<Token> =>
  afterwards(call, id, suspendOnRecord(call.sql, actorOf(call), id, { suspended: true }))

/** @throws Failure `not_found`; `conflict` for a revoked token */
export const resumeToken = (call: TokenCall, { id }: OneToken): Promise<Token> =>
  afterwards(call, id, suspendOnRecord(call.sql, actorOf(call), id, { suspended: false }))

/** @throws Failure `not_found`; `conflict` for the last token of an admin */
export const revokeToken = (call: TokenCall, request: InputOf<'revokeToken'>): Promise<Token> =>
  afterwards(call, request.id, revokeOnRecord(call.sql, actorOf(call), request))

/**
 * Gives a token a new secret.
 * @throws Failure `not_found`, `conflict`
 */
export async function rotateToken(
  call: TokenCall,
  { id, overlap_seconds }: InputOf<'rotateToken'>,
): Promise<OutputOf<'rotateToken'>> {
  const token = await rotateOnRecord(call.sql, actorOf(call), id, overlap_seconds)
  call.reportChangedRows(1)
  return { ...(await findToken(call.sql, id)), token }
}

async function afterwards({ sql, reportChangedRows }: TokenCall, id: string, change: Promise<unknown>): Promise<Token> {
  await change
  reportChangedRows(1)
  return findToken(sql, id)
}

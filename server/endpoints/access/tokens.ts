import type { z } from 'zod'
import type {
  listTokens as listing,
  makeToken as making,
  revokeToken as revoking,
  rotateToken as rotating,
  setTokenLimits as settingLimits,
  setTokenRole as settingRole,
  setTokenScope as settingScope,
  showToken as showing,
  Token,
} from '../../../shared/access/tokens.ts'
import { daysOfRole } from '../../../shared/access/tokens.ts'
import { findToken, newestTokens } from '../../auth/tokens.ts'
import type { Call } from '../../call.ts'
import { type ActingCall, actorOf } from '../actor.ts'
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
type OneToken = z.output<typeof showing.input>

/** Makes a token for the caller's own principal, or for another. */
export async function makeToken(
  call: TokenCall,
  {
    name,
    role,
    may_enqueue,
    approver,
    may_break_glass,
    scope,
    max_per_change,
    max_per_day,
    principal = call.identity.principal,
    expires = daysOfRole(role),
  }: z.output<typeof making.input>,
): Promise<z.output<typeof making.output>> {
  const days = expires === 'never' ? undefined : expires
  const flags = { may_enqueue, approver, may_break_glass }
  const grant = { role, ...flags, principal, madeBy: call.caller, scope, max_per_change, max_per_day }
  const { id, token } = await makeOnRecord(call.sql, actorOf(call), { name, grant, days })
  call.reportChangedRows(1)
  return { ...(await findToken(call.sql, id)), token }
}

export const listTokens = async ({ sql }: TokenCall, { limit }: z.output<typeof listing.input>): Promise<Token[]> => [
  ...(await newestTokens(sql, limit)),
]

/** @throws Failure `not_found` */
export const showToken = ({ sql }: TokenCall, { id }: OneToken): Promise<Token> => findToken(sql, id)

/** @throws Failure `not_found` */
export const setTokenRole = (call: TokenCall, { id, ...grant }: z.output<typeof settingRole.input>): Promise<Token> =>
  afterwards(call, id, setRoleOnRecord(call.sql, actorOf(call), id, grant))

/** @throws Failure `not_found`; `conflict` for a token whose role has no scope */
export const setTokenScope = (call: TokenCall, { id, scope }: z.output<typeof settingScope.input>): Promise<Token> =>
  afterwards(call, id, setScopeOnRecord(call.sql, actorOf(call), id, scope))

/** @throws Failure `not_found`; `conflict` for a role without limits */
export const setTokenLimits = (
  call: TokenCall,
  { id, ...limits }: z.output<typeof settingLimits.input>,
): Promise<Token> => afterwards(call, id, setLimitsOnRecord(call.sql, actorOf(call), id, limits))

/** @throws Failure `not_found`; `conflict` for a revoked token, and for the last one of an admin */
export const suspendToken = (call: TokenCall, { id }: OneToken): Promise<Token> =>
  afterwards(call, id, suspendOnRecord(call.sql, actorOf(call), id, { suspended: true }))

/** @throws Failure `not_found`; `conflict` for a revoked token */
export const resumeToken = (call: TokenCall, { id }: OneToken): Promise<Token> =>
  afterwards(call, id, suspendOnRecord(call.sql, actorOf(call), id, { suspended: false }))

/** @throws Failure `not_found`; `conflict` for the last token of an admin */
export const revokeToken = (call: TokenCall, request: z.output<typeof revoking.input>): Promise<Token> =>
  afterwards(call, request.id, revokeOnRecord(call.sql, actorOf(call), request))

/**
 * Gives a token a new secret.
 * @throws Failure `not_found`, `conflict`
 */
export async function rotateToken(
  call: TokenCall,
  { id, overlap_seconds }: z.output<typeof rotating.input>,
): Promise<z.output<typeof rotating.output>> {
  const token = await rotateOnRecord(call.sql, actorOf(call), id, overlap_seconds)
  call.reportChangedRows(1)
  return { ...(await findToken(call.sql, id)), token }
}

async function afterwards({ sql, reportChangedRows }: TokenCall, id: string, change: Promise<unknown>): Promise<Token> {
  await change
  reportChangedRows(1)
  return findToken(sql, id)
}

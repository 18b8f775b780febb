import type { z } from 'zod'
import type {
  listTokens as listing,
  makeToken as making,
  rotateToken as rotating,
  setTokenRole as settingRole,
  showToken as showing,
  Token,
} from '../../../shared/access/tokens.ts'
import { daysOfRole } from '../../../shared/access/tokens.ts'
import {
  createToken,
  findToken,
  newestTokens,
  revokeToken as revoke,
  rotateToken as rotate,
  setRole,
  suspendToken as suspend,
} from '../../auth/tokens.ts'
import type { Call } from '../../call.ts'

type TokenCall = Pick<Call, 'sql' | 'caller' | 'identity' | 'reportChangedRows'>
type OneToken = z.output<typeof showing.input>

/** Makes a token for the caller's own principal, or for another. */
export async function makeToken(
  { sql, caller, identity, reportChangedRows }: TokenCall,
  {
    name,
    role,
    may_enqueue,
    principal = identity.principal,
    expires = daysOfRole(role),
  }: z.output<typeof making.input>,
): Promise<z.output<typeof making.output>> {
  const days = expires === 'never' ? undefined : expires
  const { id, token } = await createToken(sql, { name, grant: { role, may_enqueue, principal, madeBy: caller }, days })
  reportChangedRows(1)
  return { ...(await findToken(sql, id)), token }
}

export const listTokens = async ({ sql }: TokenCall, { limit }: z.output<typeof listing.input>): Promise<Token[]> => [
  ...(await newestTokens(sql, limit)),
]

/** @throws Failure `not_found` */
export const showToken = ({ sql }: TokenCall, { id }: OneToken): Promise<Token> => findToken(sql, id)

/** @throws Failure `not_found` */
export const setTokenRole = (call: TokenCall, { id, ...grant }: z.output<typeof settingRole.input>): Promise<Token> =>
  afterwards(call, id, setRole(call.sql, id, grant))

/** @throws Failure `not_found`; `conflict` for a revoked token */
export const suspendToken = (call: TokenCall, { id }: OneToken): Promise<Token> =>
  afterwards(call, id, suspend(call.sql, id, { suspended: true }))

/** @throws Failure `not_found`; `conflict` for a revoked token */
export const resumeToken = (call: TokenCall, { id }: OneToken): Promise<Token> =>
  afterwards(call, id, suspend(call.sql, id, { suspended: false }))

/** @throws Failure `not_found` */
export const revokeToken = (call: TokenCall, { id }: OneToken): Promise<Token> =>
  afterwards(call, id, revoke(call.sql, id))

/**
 * Gives a token a new secret.
 * @throws Failure `not_found`, `conflict`
 */
export async function rotateToken(
  { sql, reportChangedRows }: TokenCall,
  { id, overlap_seconds }: z.output<typeof rotating.input>,
): Promise<z.output<typeof rotating.output>> {
  const token = await rotate(sql, id, overlap_seconds)
  reportChangedRows(1)
  return { ...(await findToken(sql, id)), token }
}

async function afterwards({ sql, reportChangedRows }: TokenCall, id: string, change: Promise<void>): Promise<Token> {
  await change
  reportChangedRows(1)
  return findToken(sql, id)
}

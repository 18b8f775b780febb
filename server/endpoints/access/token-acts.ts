import type { Grant } from '../../../shared/access/rights.ts'
import type { TokenScope } from '../../../shared/access/token-scope.ts'
import type { ActKind } from '../../../shared/records/acts.ts'
import { setRole, setScope } from '../../auth/set-grant.ts'
import { createToken, findToken, type NewToken, revokeToken, rotateToken, suspendToken } from '../../auth/tokens.ts'
import { type Actor, recordAct } from '../../bulk/record/act.ts'
import type { Pool, Sql } from '../../database/sql.ts'

/** Makes a token, with its record. The returned text is the only copy of its secret. */
export const makeOnRecord = (sql: Pool, actor: Actor, wanted: NewToken): Promise<{ id: string; token: string }> =>
  sql.begin(async (tx) => {
    const made = await createToken(tx, wanted)
    await record(tx, actor, { kind: 'token.created', id: made.id, more: { expires: wanted.days ?? 'never' } })
    return made
  })

/** @throws Failure `not_found` */
export const setRoleOnRecord = (sql: Pool, actor: Actor, id: string, grant: Grant): Promise<void> =>
  sql.begin(async (tx) => {
    const role_before = await setRole(tx, id, grant)
    if (role_before !== undefined) await record(tx, actor, { kind: 'token.role_set', id, more: { role_before } })
  })

/** @throws Failure `not_found`; `conflict` for a token whose role has no scope */
export const setScopeOnRecord = (sql: Pool, actor: Actor, id: string, scope: TokenScope | null): Promise<void> =>
  sql.begin(async (tx) => {
    const { scope: scope_before } = await findToken(tx, id)
    if (await setScope(tx, id, scope)) await record(tx, actor, { kind: 'token.scope_set', id, more: { scope_before } })
  })

/** @throws Failure `not_found`; `conflict` for a revoked token */
export const suspendOnRecord = (
  sql: Pool,
  actor: Actor,
  id: string,
  to: Parameters<typeof suspendToken>[2],
): Promise<void> =>
  sql.begin(async (tx) => {
    const kind = to.suspended ? 'token.suspended' : 'token.resumed'
    if (await suspendToken(tx, id, to)) await record(tx, actor, { kind, id })
  })

/** @throws Failure `not_found` */
export const revokeOnRecord = (sql: Pool, actor: Actor, id: string): Promise<void> =>
  sql.begin(async (tx) => {
    if (await revokeToken(tx, id)) await record(tx, actor, { kind: 'token.revoked', id })
  })

/**
 * @returns the only copy of the token
 * @throws Failure `not_found`, `conflict`
 */
export const rotateOnRecord = (sql: Pool, actor: Actor, id: string, overlap_seconds: number): Promise<string> =>
  sql.begin(async (tx) => {
    const token = await rotateToken(tx, id, overlap_seconds)
    await record(tx, actor, { kind: 'token.rotated', id, more: { overlap_seconds } })
    return token
  })

interface TokenAct {
  kind: ActKind
  id: string
  more?: Record<string, unknown>
}

async function record(tx: Sql, actor: Actor, { kind, id, more = {} }: TokenAct): Promise<void> {
  const { name, principal, role, may_enqueue, scope } = await findToken(tx, id)
  await recordAct(tx, actor, { kind, details: { token: id, name, principal, role, may_enqueue, scope, ...more } })
}

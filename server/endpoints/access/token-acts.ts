import type { TokenLimits } from '../../../shared/access/limits.ts'
import type { Grant } from '../../../shared/access/rights.ts'
import type { TokenScope } from '../../../shared/access/token-scope.ts'
import type { ActKind } from '../../../shared/records/acts.ts'
import { keepingAnAdmin } from '../../auth/last-admin.ts'
import { revokeToken, revokeTree } from '../../auth/revoke-tokens.ts'
import { setLimits, setRole, setScope } from '../../auth/set-grant.ts'
import {
  createToken,
  findToken,
  lockTokens,
  type NewToken,
  requireLiveMaker,
  requirePerson,
  rotateToken,
  suspendToken,
} from '../../auth/tokens.ts'
import { type Actor, recordAct } from '../../bulk/record/act.ts'
import type { Pool, Sql, Transaction } from '../../database/sql.ts'

/**
 * Makes a token, with its record. The returned text is the only copy of its secret.
 * @throws Failure `not_found` for an agent of nobody
 */
export const makeOnRecord = (sql: Pool, actor: Actor, wanted: NewToken): Promise<{ id: string; token: string }> =>
  sql.begin(async (tx) => {
    await requireLiveMaker(tx, actor.caller)
    if (wanted.grant?.of) await requirePerson(tx, wanted.grant.of)
    const made = await createToken(tx, wanted)
    await record(tx, actor, { kind: 'token.created', id: made.id, more: { expires: wanted.days ?? 'never' } })
    return made
  })

/** @throws Failure `not_found`; `conflict` where no admin would be left */
export const setRoleOnRecord = (sql: Pool, actor: Actor, id: string, grant: Grant): Promise<void> =>
  sql.begin(async (tx) => {
    const role_before = await besideAnAdmin(tx, actor, () => setRole(tx, id, grant))
    if (role_before !== undefined) await record(tx, actor, { kind: 'token.role_set', id, more: { role_before } })
  })

/** @throws Failure `not_found`; `conflict` for a token whose role has no scope */
export const setScopeOnRecord = (sql: Pool, actor: Actor, id: string, scope: TokenScope | null): Promise<void> =>
  sql.begin(async (tx) => {
    const { scope: scope_before } = await findToken(tx, id)
    if (await setScope(tx, id, scope)) await record(tx, actor, { kind: 'token.scope_set', id, more: { scope_before } })
  })

/** @throws Failure `not_found`; `conflict` for a role without limits */
export const setLimitsOnRecord = (sql: Pool, actor: Actor, id: string, limits: TokenLimits): Promise<void> =>
  sql.begin(async (tx) => {
    const { max_per_change, max_per_day } = await findToken(tx, id)
    const more = { limits_before: { max_per_change, max_per_day } }
    if (await setLimits(tx, id, limits)) await record(tx, actor, { kind: 'token.limits_set', id, more })
  })

/** @throws Failure `not_found`; `conflict` for a revoked token, and where no admin would be left */
export const suspendOnRecord = (
  sql: Pool,
  actor: Actor,
  id: string,
  to: Parameters<typeof suspendToken>[2],
): Promise<void> =>
  sql.begin(async (tx) => {
    const kind = to.suspended ? 'token.suspended' : 'token.resumed'
    if (await besideAnAdmin(tx, actor, () => suspendToken(tx, id, to))) await record(tx, actor, { kind, id })
  })

/**
 * Revokes a token; with `tree` also those that it made.
 * @returns the ids that were revoked now
 * @throws Failure `not_found`; `conflict` where no admin would be left
 */
export const revokeOnRecord = (
  sql: Pool,
  actor: Actor,
  { id, tree }: { id: string; tree: boolean },
): Promise<readonly string[]> =>
  sql.begin(async (tx) => {
    const revoked = await besideAnAdmin(tx, actor, () => (tree ? revokeTree(tx, id) : revokeToken(tx, id)))
    const others = revoked.filter((one) => one !== id)
    const more = others.length > 0 ? { with: others } : {}
    if (revoked.length > 0) await record(tx, actor, { kind: 'token.revoked', id, more })
    return revoked
  })

/** A call over HTTP must leave the admins one usable token; a command of `jobs-server`, which has no address, need not. */
const besideAnAdmin = <Result>(tx: Sql, { address }: Actor, change: () => Promise<Result>): Promise<Result> =>
  address === undefined ? change() : keepingAnAdmin(tx, change)

/**
 * @returns the only copy of the token
 * @throws Failure `not_found`, `conflict`
 */
export const rotateOnRecord = (sql: Pool, actor: Actor, id: string, overlap_seconds: number): Promise<string> =>
  sql.begin(async (tx) => {
    await lockTokens(tx, [id, actor.caller])
    await requireLiveMaker(tx, actor.caller)
    // A caller at the shell has no address.
    const by = actor.address === undefined ? undefined : actor.caller
    const token = await rotateToken(tx, id, { by, overlapSeconds: overlap_seconds })
    await record(tx, actor, { kind: 'token.rotated', id, more: { overlap_seconds } })
    return token
  })

interface TokenAct {
  kind: ActKind
  id: string
  more?: Record<string, unknown>
}

async function record(tx: Transaction, actor: Actor, { kind, id, more = {} }: TokenAct): Promise<void> {
  const { name, principal, role, may_enqueue, approver, may_break_glass, may_edit, ...token } = await findToken(tx, id)
  const { scope, max_per_change, max_per_day } = token
  const grant = { role, may_enqueue, approver, may_break_glass, may_edit, scope, max_per_change, max_per_day }
  await recordAct(tx, actor, { kind, details: { token: id, name, principal, ...grant, ...more } })
}

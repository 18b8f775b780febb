import { type Right, rightsOf, roleNames } from '../../shared/access/rights.ts'
import type { Fragment, Sql } from '../database/sql.ts'

/** What a caller may do now, whose decision was stored. A caller by single sign-on has no token. */
export interface Standing {
  blocked: boolean
  token: {
    revoked: boolean
    expired: boolean
    suspended: boolean
    role: string
    may_enqueue: boolean
    approver: boolean
    may_break_glass: boolean
    may_edit: boolean
    /** As JSON; null for a token that is not limited. */
    scope: unknown
  } | null
}

/** An SQL expression: the standing of a caller as JSON. */
export const standingOf = (sql: Sql, id: Fragment): Fragment => sql`
  jsonb_build_object(
    'blocked', exists (select from jobsctl_callers as known where known.id = ${id} and known.blocked_at is not null),
    'token', (
      select jsonb_build_object(
        'revoked', token.revoked_at is not null,
        'expired', coalesce(token.expires_at <= now(), false),
        'suspended', grants.suspended_at is not null,
        'role', coalesce(grants.role, 'legacy-admin'),
        'may_enqueue', coalesce(grants.may_enqueue, false),
        'approver', coalesce(grants.approver, false),
        'may_break_glass', coalesce(grants.may_break_glass, false),
        'may_edit', coalesce(grants.may_edit, false),
        'scope', grants.scope
      )
      from jobs_api_tokens as token
      left join jobsctl_tokens as grants using (id)
      where token.id = ${id}
    )
  )`

/** Why a caller may not do any more what it once might, as a clause on the caller: somebody took it away. Undefined where it still may. */
export function takenAway({ blocked, token }: Standing, right: Right): string | undefined {
  if (blocked) return 'was blocked'
  if (token === null) return undefined
  if (token.revoked) return 'has a token that was revoked'
  if (token.suspended) return 'has a token that is suspended'
  return rightsOf(token).has(right) ? undefined : `has lost the right "${right}"`
}

/** The same, and where the token has come to its term. */
export const lossOf = (standing: Standing, right: Right): string | undefined =>
  takenAway(standing, right) ?? (standing.token?.expired ? 'has a token that has expired' : undefined)

/** An SQL expression, a list: the roles that have one of these rights by themselves. */
export function rolesThatMay(sql: Sql, ...some: Right[]): Fragment {
  const names = roleNames.filter((role) => {
    const may = rightsOf({ role, may_enqueue: false })
    return some.some((right) => may.has(right))
  })
  return sql.unsafe(`array[${names.map((name) => `'${name}'`).join(', ')}]`)
}

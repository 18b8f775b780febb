import { mayHaveLimits, type TokenLimits } from '../../shared/access/limits.ts'
import { agentRole, type Grant } from '../../shared/access/rights.ts'
import { mayHaveScope, scopedRoles, type TokenScope } from '../../shared/access/token-scope.ts'
import { Failure } from '../../shared/errors.ts'
import type { Sql } from '../database/sql.ts'
import { findToken, lockGrant, scopeJson } from './tokens.ts'

/**
 * Gives a token a role, at once and for every server; its secret stays. Servers of version 0.1.0 refuse it from then on.
 * @returns the role before; undefined where it has this role already, with all that is added to it
 * @throws Failure `not_found` when there is no such token; `conflict` for a role without a scope where the token has one, and for an agent
 */
export async function setRole(
  tx: Sql,
  id: string,
  { role, may_enqueue, approver = false, may_break_glass = false, may_edit = false }: Grant,
): Promise<string | undefined> {
  await lockGrant(tx, id)
  const before = await findToken(tx, id)
  // A role that is about the whole database would take the limits of the token away, or be limited where nothing is narrowed.
  if (before.scope && !mayHaveScope(role)) throw scopeInTheWay(id, role)
  if (before.role === agentRole || role === agentRole) throw staysAgent(id)
  const { count } = await tx`
    update jobsctl_tokens
    set role = ${role}, may_enqueue = ${may_enqueue}, approver = ${approver}, may_break_glass = ${may_break_glass},
      may_edit = ${may_edit}
    where id = ${id}
      and (role, may_enqueue, approver, may_break_glass, may_edit)
        is distinct from (${role}, ${may_enqueue}, ${approver}, ${may_break_glass}, ${may_edit})`
  if (count === 0) return undefined
  return before.role
}

const staysAgent = (id: string): Failure =>
  new Failure(
    'conflict',
    `a token of an agent stays one, and no other token becomes one (${id}): the program that has it would get another role; nothing was changed`,
    { hint: 'make another token: jobs-server token create <name> --role <role>' },
  )

const scopeInTheWay = (id: string, role: string): Failure =>
  new Failure('conflict', `the token ${id} has a scope, which the role ${role} cannot have; nothing was changed`, {
    hint: `take the scope away first: jobs-server token set-scope ${id} --all`,
  })

/**
 * Limits a token to a scope, or with null to nothing, at once and for every server. Its running changes of many jobs stop after their
 * batch. Servers of version 0.1.0 refuse it from then on.
 * @returns false where it has this scope already
 * @throws Failure `not_found` when there is no such token; `conflict` for one whose role has no scope
 */
export async function setScope(tx: Sql, id: string, scope: TokenScope | null): Promise<boolean> {
  await lockGrant(tx, id)
  const { role } = await findToken(tx, id)
  if (scope && !mayHaveScope(role)) throw roleWithoutScope(id, role)
  const { count } = await tx`
    update jobsctl_tokens
    set scope = ${scopeJson(scope)}::text::jsonb
    where id = ${id} and scope is distinct from ${scopeJson(scope)}::text::jsonb`
  return count > 0
}

const roleWithoutScope = (id: string, role: string): Failure =>
  new Failure('conflict', `the token ${id} is ${role}, which has no scope; nothing was changed`, {
    hint: `give it a role first that has one: jobs-server token set-role ${id} operator; these are ${scopedRoles.join(', ')}`,
  })

/**
 * Sets the limits of a token, at once and for every server; one that is undefined stays. Servers of version 0.1.0 refuse it from then on.
 * @returns false where it has these limits already
 * @throws Failure `not_found` when there is no such token; `conflict` for one whose role changes no jobs by the many
 */
export async function setLimits(tx: Sql, id: string, limits: TokenLimits): Promise<boolean> {
  await lockGrant(tx, id)
  const before = await findToken(tx, id)
  if (!mayHaveLimits(before.role)) throw roleWithoutLimits(id, before.role)
  const { max_per_change = before.max_per_change, max_per_day = before.max_per_day } = limits
  const { count } = await tx`
    update jobsctl_tokens
    set max_per_change = ${max_per_change}::bigint, max_per_day = ${max_per_day}::bigint
    where id = ${id}
      and (max_per_change, max_per_day) is distinct from (${max_per_change}::bigint, ${max_per_day}::bigint)`
  return count > 0
}

const roleWithoutLimits = (id: string, role: string): Failure =>
  new Failure(
    'conflict',
    `the token ${id} is ${role}, and limits are about changes of many jobs; nothing was changed`,
    {
      hint: 'tokens with the role operator or admin make such changes',
    },
  )

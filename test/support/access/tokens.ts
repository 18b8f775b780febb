import { createToken } from '../../../server/auth/tokens.ts'
import type { Pool } from '../../../server/database/sql.ts'
import type { Role } from '../../../shared/access/rights.ts'
import type { TokenScope } from '../../../shared/access/token-scope.ts'

/** Makes a token for a day: of a role, or as tokens were before there were roles; an agent is one of `ann`. Returns the token. */
export async function makeToken(sql: Pool, name: string, role?: Role, may_enqueue = false): Promise<string> {
  const of = role === 'agent' ? await person(sql) : undefined
  const grant = role && { role, may_enqueue, of, principal: name, madeBy: 'jobs-server' }
  return (await createToken(sql, { name, grant, days: 1 })).token
}

/** A person for an agent: the principal of a token that may nothing but ask who it is. */
async function person(sql: Pool): Promise<string> {
  const grant = { role: 'producer', may_enqueue: false, principal: 'ann', madeBy: 'jobs-server' } as const
  await createToken(sql, { name: 'ann of the agent', grant, days: 1 })
  return 'ann'
}

/** Makes a token for a day that is limited to a scope; an operator may edit. Returns the token. */
export async function makeScoped(sql: Pool, role: Role, scope: Partial<TokenScope>): Promise<string> {
  const whole = { domains: [], queues: [], job_types: [], cascade: false, ...scope }
  const added = { may_enqueue: role === 'worker', may_edit: role === 'operator' }
  const of = role === 'agent' ? await person(sql) : undefined
  const grant = {
    role,
    ...added,
    ...(of && { of }),
    principal: of === undefined ? role : '',
    madeBy: 'jobs-server',
    scope: whole,
  }
  return (await createToken(sql, { name: `limited ${role}`, grant, days: 1 })).token
}

/** The headers of a caller with a token, in place of the key of the tests. */
export const bearer = (token: string) => ({ 'x-api-key': '', authorization: `Bearer ${token}` })

/** The id of a token. */
export const idOf = (token: string): string => token.split('_')[1] ?? ''

import { agentRole, isRole, type Right, rights, rightsOf, rolesWith } from '../../shared/access/rights.ts'
import { Failure } from '../../shared/errors.ts'
import type { Caller } from './authenticate.ts'
import { isSingleSignOn } from './single-sign-on-id.ts'

/**
 * Refuses a caller without a right. The error names the right, the roles that have it, and who gives one.
 * @throws Failure `forbidden`
 */
export function requireRight(
  { id, name, role, may, session }: Pick<Caller, 'id' | 'name' | 'role' | 'may' | 'session'>,
  right: Right,
): void {
  if (may.has(right)) return
  if (session?.may.has(right)) {
    throw new Failure('forbidden', 'the dashboard of this server changes nothing (JOBS_UI=read); nothing was changed', {
      hint: 'make the change by jobsctl, or on a server with JOBS_UI=on',
    })
  }
  if (isSingleSignOn(id)) throw lackingBySignOn({ id, role }, right)
  if (role === agentRole) throw lackingByAgent(right)
  const token = `the token ${name} (${id}, ${role})`
  if (!isRole(role)) {
    throw new Failure(
      'forbidden',
      `this version of the server does not know the role of ${token}; nothing was changed`,
      {
        hint: 'a server of the version that gave the role knows it; an admin gives another one: jobs-server token set-role',
      },
    )
  }
  throw new Failure(
    'forbidden',
    `${token} lacks the right "${right}": it may not ${rights[right]}; nothing was changed`,
    { hint: howToGet(id, right) },
  )
}

const lackingBySignOn = ({ id, role }: Pick<Caller, 'id' | 'role'>, right: Right): Failure =>
  new Failure(
    'forbidden',
    `the caller ${id} (${role}) lacks the right "${right}": it may not ${rights[right]}; nothing was changed`,
    {
      hint: `a caller with ${rolesWith(right) ? `the role ${rolesWith(right)}` : `a token with ${flags[right]}`} may; the operator of the server gives roles by claims: JOBS_OIDC_ROLES`,
    },
  )

/** No agent gets another role, and its session has no right that its key lacks. The sentence has no name, so that an agent is given it. */
const lackingByAgent = (right: Right): Failure =>
  new Failure(
    'forbidden',
    `an agent lacks the right "${right}" here: it may not ${rights[right]}; nothing was changed`,
    {
      hint: rightsOf({ role: agentRole, may_enqueue: false }).has(right)
        ? 'the session has what its key may: open it with the key of an operator or admin'
        : 'an agent plans a change, and a person decides',
    },
  )

/** Rights that a token gets beside its role, and the flag that gives them. */
const flags: Partial<Record<Right, string>> = {
  approve: '--approver',
  break_glass: '--may-break-glass',
  edit: '--may-edit',
}

/** Which tokens have a right, and who gives it. */
function howToGet(id: string, right: Right): string {
  const flag = flags[right]
  const roles = rolesWith(right)
  const which = [...(flag ? [flag] : []), ...(roles ? [`the role ${roles}`] : [])].join(' or ')
  const more = flag ? ` ${flag}` : ''
  return `a token with ${which} may; an admin gives it: POST /api/v1/tokens/${id}/role, or jobs-server token set-role ${id} <role>${more}`
}

import { isRole, type Right, rights, rightsOf, rolesWith } from '../../shared/access/rights.ts'
import { Failure } from '../../shared/errors.ts'
import type { Caller } from './authenticate.ts'
import { isSingleSignOn } from './single-sign-on-id.ts'

/**
 * Refuses a caller without a right. The error names the right, the roles that have it, and who gives one.
 * @throws Failure `forbidden`
 */
export function requireRight(
  { id, name, role, may }: Pick<Caller, 'id' | 'name' | 'role' | 'may'>,
  right: Right,
): void {
  if (may.has(right)) return
  if (isSingleSignOn(id)) throw lackingBySignOn({ id, role }, right)
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
  if (rightsOf({ role, may_enqueue: false }).has(right)) {
    throw new Failure('forbidden', `the dashboard of this server changes nothing (JOBS_UI=read); nothing was changed`, {
      hint: 'make the change by jobsctl, or on a server with JOBS_UI=on',
    })
  }
  throw new Failure(
    'forbidden',
    `${token} lacks the right "${right}": it may not ${rights[right]}; nothing was changed`,
    {
      hint: `a token with the role ${rolesWith(right)} may; an admin gives a role: POST /api/v1/tokens/${id}/role, or jobs-server token set-role ${id} <role>`,
    },
  )
}

const lackingBySignOn = ({ id, role }: Pick<Caller, 'id' | 'role'>, right: Right): Failure =>
  new Failure(
    'forbidden',
    `the caller ${id} (${role}) lacks the right "${right}": it may not ${rights[right]}; nothing was changed`,
    {
      hint: `a caller with the role ${rolesWith(right)} may; whoever runs the server gives roles by claims: JOBS_OIDC_ROLES`,
    },
  )

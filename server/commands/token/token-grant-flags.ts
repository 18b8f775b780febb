import type { Command } from 'commander'
import { faultOfGrant, type Grant, givenRoles } from '../../../shared/access/rights.ts'
import { Failure } from '../../../shared/errors.ts'

/** The flags that add something to a role. */
export interface GrantFlags {
  mayEnqueue?: boolean
  approver?: boolean
  mayBreakGlass?: boolean
  mayEdit?: boolean
  of?: string
}

export const withGrantFlags = (command: Command): Command =>
  command
    .option('--may-enqueue', 'a worker that may also enqueue jobs')
    .option('--approver', 'may approve plans of other principals')
    .option('--may-break-glass', 'may go past an approval in an emergency')
    .option('--may-edit', 'an operator that may edit payloads')

/** @throws Failure `usage` for a text that is no role, and for a role that cannot have what the flags add */
export function grantOf(
  text: string,
  { mayEnqueue = false, approver = false, mayBreakGlass = false, mayEdit = false, of }: GrantFlags,
) {
  const role = givenRoles.find((role) => role === text)
  if (!role)
    throw new Failure('usage', `${JSON.stringify(text)} is no role; nothing was changed`, {
      hint: `the roles are ${givenRoles.join(', ')}`,
    })
  const grant = {
    role,
    may_enqueue: mayEnqueue,
    approver,
    may_break_glass: mayBreakGlass,
    may_edit: mayEdit,
    ...(of !== undefined && { of }),
  } satisfies Grant
  const fault = faultOfGrant(grant)
  if (!fault) return grant
  throw new Failure('usage', `--${fault.field.replaceAll('_', '-')} ${fault.message}; nothing was changed`)
}

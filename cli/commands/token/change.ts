import { isRole, setRoles } from '../../../shared/access/rights.ts'
import { resumeToken, revokeToken, setTokenRole, suspendToken, type Token } from '../../../shared/access/tokens.ts'
import { Failure } from '../../../shared/errors.ts'
import { escaped } from '../../../shared/text/escape.ts'
import type { Context } from '../../context.ts'
import { changeImmediately } from '../../guard/immediate-change.ts'
import type { Ending } from '../../output/print.ts'
import { parseInput } from '../../settings/flags/flag-errors.ts'
import { changeGrant, named } from './change-grant.ts'
import { roleText } from './columns.ts'

type Action = 'suspend' | 'resume'

const actions = {
  suspend: { endpoint: suspendToken, done: 'Suspended', undo: 'resume' },
  resume: { endpoint: resumeToken, done: 'Resumed', undo: 'suspend' },
} as const

/**
 * Suspends or resumes a token, at once and for every server.
 * @throws Failure `not_found`; `conflict` for a revoked token, and where no admin would be left
 */
export async function changeToken(context: Context, id: string, action: Action): Promise<Ending> {
  const { print, another } = context
  const { endpoint, done, undo } = actions[action]
  const changed = await changeImmediately(context, { endpoint, request: { id }, look: lookAt(context, id) })
  if (!changed) return 'ok'
  print.sentence(changed, `${done} token ${named(changed)}.   Undo:  ${another(['token', undo, id])}`, 'done')
  return 'ok'
}

/**
 * Revokes a token, at once and for every server; with `tree` also those that it made.
 * @throws Failure `not_found`; `conflict` where no admin would be left
 */
export async function revoke(context: Context, id: string, { tree }: { tree: boolean }): Promise<Ending> {
  const request = { id, ...(tree && { tree }) }
  const look = tree ? context.another(['token', 'list']) : lookAt(context, id)
  const changed = await changeImmediately(context, { endpoint: revokeToken, request, look })
  if (!changed) return 'ok'
  const others = tree ? ', and the tokens that it made or rotated' : ''
  context.print.sentence(changed, `Revoked token ${named(changed)}${others}.`, 'done')
  return 'ok'
}

interface GivenRole {
  role: string | undefined
  may_enqueue: boolean
  approver: boolean
  may_break_glass: boolean
  may_edit?: boolean
}

/**
 * Gives a token another role.
 * @throws Failure `usage` without a role; `not_found`
 */
export async function setRole(context: Context, id: string, given: GivenRole): Promise<Ending> {
  if (given.role === undefined) {
    throw new Failure('usage', 'token set-role needs a role; nothing was changed', {
      hint: `the roles are ${setRoles.join(', ')}`,
    })
  }
  const request = parseInput(setTokenRole.input, { id, ...given })
  return changeGrant(context, id, {
    endpoint: setTokenRole,
    request,
    say: (changed) => `is ${escaped(roleText(changed))}`,
    undo: undoWords,
  })
}

/** The command that gives the role back; none for a token that had no role, since no command takes a role away. */
function undoWords({ id, role, may_enqueue, approver, may_break_glass, may_edit }: Token): string[] | undefined {
  if (!isRole(role) || role === 'legacy-admin') return undefined
  const added = [
    ...(may_enqueue ? ['--may-enqueue'] : []),
    ...(approver ? ['--approver'] : []),
    ...(may_break_glass ? ['--may-break-glass'] : []),
    ...(may_edit ? ['--may-edit'] : []),
  ]
  return ['token', 'set-role', id, role, ...added]
}

const lookAt = ({ another }: Context, id: string): string => another(['token', 'show', id])

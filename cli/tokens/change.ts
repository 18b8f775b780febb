import { givenRoles, isRole } from '../../shared/access/rights.ts'
import {
  resumeToken,
  revokeToken,
  setTokenRole,
  showToken as showing,
  suspendToken,
  type Token,
} from '../../shared/access/tokens.ts'
import { Failure } from '../../shared/errors.ts'
import { escaped } from '../../shared/escape.ts'
import type { Context } from '../context.ts'
import { changeImmediately, checkImmediate } from '../guard/immediate-change.ts'
import type { Ending } from '../output/print.ts'
import { parseInput } from '../settings/flags/flag-errors.ts'
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
  const others = tree ? ', and the tokens that it made' : ''
  context.print.sentence(changed, `Revoked token ${named(changed)}${others}.`, 'done')
  return 'ok'
}

interface GivenRole {
  role: string | undefined
  may_enqueue: boolean
  approver: boolean
  may_break_glass: boolean
}

/**
 * Gives a token another role, at once and for every server. The role before it is read first, for the command that gives it back.
 * @throws Failure `usage` without a role; `not_found`
 */
export async function setRole(context: Context, id: string, given: GivenRole): Promise<Ending> {
  if (given.role === undefined) {
    throw new Failure('usage', 'token set-role needs a role; nothing was changed', {
      hint: `the roles are ${givenRoles.join(', ')}`,
    })
  }
  const request = parseInput(setTokenRole.input, { id, ...given })
  await checkImmediate(context)
  const before = context.settings.curl ? undefined : (await (await context.client()).call(showing, { id })).body
  const changed = await changeImmediately(context, { endpoint: setTokenRole, request, look: lookAt(context, id) })
  if (!changed) return 'ok'
  const back = before ? undoText(context, before) : ''
  context.print.sentence(changed, `Token ${named(changed)} is ${escaped(roleText(changed))}.${back}`, 'done')
  return 'ok'
}

/** The command that gives the role back; none for a token that had no role, since no command takes a role away. */
function undoText({ another }: Context, { id, role, may_enqueue, approver, may_break_glass }: Token): string {
  if (!isRole(role) || role === 'legacy-admin') return ''
  const added = [
    ...(may_enqueue ? ['--may-enqueue'] : []),
    ...(approver ? ['--approver'] : []),
    ...(may_break_glass ? ['--may-break-glass'] : []),
  ]
  return `   Undo:  ${another(['token', 'set-role', id, role, ...added])}`
}

const lookAt = ({ another }: Context, id: string): string => another(['token', 'show', id])

/** `4f0c2a9be1d7 (ci)` */
const named = ({ id, name }: Token): string => `${escaped(id)} (${escaped(name)})`

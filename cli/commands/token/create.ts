import { type LimitFlags, limitsOfFlags, limitsText } from '../../../shared/access/limits.ts'
import { givenRoles } from '../../../shared/access/rights.ts'
import { limitText, type ScopeFlags } from '../../../shared/access/token-scope.ts'
import { makeToken as endpoint } from '../../../shared/access/tokens.ts'
import { Failure } from '../../../shared/errors.ts'
import { escaped } from '../../../shared/escape.ts'
import type { Context } from '../../context.ts'
import { changeImmediately } from '../../guard/immediate-change.ts'
import type { Ending } from '../../output/print.ts'
import { parseInput } from '../../settings/flags/flag-errors.ts'
import { days } from '../../text/duration.ts'
import { endText, roleText } from './columns.ts'
import { printSecret } from './print-secret.ts'
import { scopeOf } from './scope.ts'

interface CreateFlags extends ScopeFlags, LimitFlags {
  role?: string
  principal?: string
  expires?: string
  mayEnqueue?: boolean
  approver?: boolean
  mayBreakGlass?: boolean
}

/**
 * Makes a token, and prints its secret alone on stdout, also with `--quiet`: nothing can print it again.
 * @throws Failure `usage` without a name or a role
 */
export async function createToken(context: Context, name: string | undefined, flags: CreateFlags): Promise<Ending> {
  const { role, principal, expires, mayEnqueue, approver, mayBreakGlass } = flags
  if (name === undefined || role === undefined) {
    throw new Failure('usage', `token create needs ${name === undefined ? 'a name' : '--role'}; nothing was changed`, {
      hint: `jobsctl token create ci --role worker; the roles are ${givenRoles.join(', ')}`,
    })
  }
  const scope = scopeOf(flags)
  const request = parseInput(endpoint.input, {
    ...{ name, role },
    ...(mayEnqueue && { may_enqueue: true }),
    ...(approver && { approver }),
    ...(mayBreakGlass && { may_break_glass: true }),
    ...(scope !== undefined && { scope }),
    ...limitsOfFlags(flags),
    ...(principal !== undefined && { principal }),
    ...(expires !== undefined && { expires: expires === 'never' ? expires : days(expires, '--expires') }),
  })
  const made = await changeImmediately(context, { endpoint, request, look: context.another(['token', 'list']) })
  if (!made) return 'ok'
  const limit = made.scope ? `, limited to ${escaped(limitText(made.scope))}` : ''
  const most = limitsText(made) && `, ${limitsText(made)}`
  const what = `Made token ${escaped(made.id)}: ${escaped(made.name)}, ${escaped(roleText(made))}${limit}${most}, ${endText(made)}.`
  printSecret(context, made, `${what} It is shown this once.`)
  return 'ok'
}

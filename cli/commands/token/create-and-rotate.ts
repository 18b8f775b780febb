import { type LimitFlags, limitsOfFlags, limitsText } from '../../../shared/access/limits.ts'
import { givenRoles } from '../../../shared/access/rights.ts'
import { limitText, type ScopeFlags } from '../../../shared/access/token-scope.ts'
import { longestOverlap, makeToken, rotateToken as rotation, type Token } from '../../../shared/access/tokens.ts'
import { Failure } from '../../../shared/errors.ts'
import { escaped, escapedJson } from '../../../shared/text/escape.ts'
import { whenText } from '../../../shared/times/time-and-size.ts'
import type { Context } from '../../context.ts'
import { changeImmediately } from '../../guard/immediate-change.ts'
import type { Ending } from '../../output/print.ts'
import { parseInput } from '../../settings/flags/flag-errors.ts'
import { days, durationText, seconds } from '../../text/duration.ts'
import { endText, roleText } from './columns.ts'
import { scopeOf } from './scope.ts'

interface CreateFlags extends ScopeFlags, LimitFlags {
  role?: string
  principal?: string
  expires?: string
  mayEnqueue?: boolean
  approver?: boolean
  mayBreakGlass?: boolean
  mayEdit?: boolean
  of?: string
}

/**
 * Makes a token, and prints its secret alone on stdout, also with `--quiet`: nothing can print it again.
 * @throws Failure `usage` without a name or a role
 */
export async function createToken(context: Context, name: string | undefined, flags: CreateFlags): Promise<Ending> {
  const { role, principal, expires, mayEnqueue, approver, mayBreakGlass, mayEdit, of } = flags
  if (name === undefined || role === undefined) {
    throw new Failure('usage', `token create needs ${name === undefined ? 'a name' : '--role'}; nothing was changed`, {
      hint: `jobsctl token create ci --role worker; the roles are ${givenRoles.join(', ')}`,
    })
  }
  const scope = scopeOf(flags)
  const request = parseInput(makeToken.input, {
    name,
    role,
    ...(mayEnqueue && { may_enqueue: true }),
    ...(approver && { approver }),
    ...(mayBreakGlass && { may_break_glass: true }),
    ...(mayEdit && { may_edit: true }),
    ...(of !== undefined && { of }),
    ...(scope !== undefined && { scope }),
    ...limitsOfFlags(flags),
    ...(principal !== undefined && { principal }),
    ...(expires !== undefined && { expires: expires === 'never' ? expires : days(expires, '--expires') }),
  })
  const made = await changeImmediately(context, {
    endpoint: makeToken,
    request,
    look: context.another(['token', 'list']),
  })
  if (!made) return 'ok'
  const limit = made.scope ? `, limited to ${escaped(limitText(made.scope))}` : ''
  const most = limitsText(made) && `, ${limitsText(made)}`
  const what = `Made token ${escaped(made.id)}: ${escaped(made.name)}, ${escaped(roleText(made))}${limit}${most}, ${endText(made)}.`
  printSecret(context, made, `${what} It is shown this once.`)
  return 'ok'
}

/**
 * Gives a token a new secret, and prints it alone on stdout.
 * @throws Failure `usage` for an overlap of more than 7 days; `not_found`; `conflict` for a token that has ended
 */
export async function rotateToken(context: Context, id: string, overlap: string | undefined): Promise<Ending> {
  const request = parseInput(rotation.input, {
    id,
    overlap_seconds: overlap === undefined ? undefined : lengthOf(overlap),
  })
  const look = context.another(['token', 'show', id])
  const rotated = await changeImmediately(context, { endpoint: rotation, request, look })
  if (!rotated) return 'ok'
  const { name, previous_until } = rotated
  const old = previous_until === null ? 'has ended' : `ends ${whenText(previous_until)}`
  const what = `Rotated token ${escaped(rotated.id)} (${escaped(name)}), which ${endText(rotated)}. The old secret ${old}.`
  printSecret(context, rotated, `${what} The new one is shown this once.`)
  return 'ok'
}

/** @throws Failure `usage` */
function lengthOf(text: string): number {
  const length = /^0+[smhdw]?$/.test(text.trim()) ? 0 : seconds(text, '--overlap')
  if (length <= longestOverlap) return length
  throw new Failure('usage', `--overlap: must be at most ${durationText(longestOverlap)}; nothing was changed`)
}

/** Prints the secret of a token alone on stdout, also with `--quiet`: nothing can print it again. `text` says what was made. */
function printSecret({ print }: Context, made: Token & { token: string }, text: string): void {
  // The sentence has the id and comes first: where stdout takes no more, it says which token to revoke.
  print.aside(text)
  print.text(print.structured ? `${escapedJson(JSON.stringify(made))}\n` : `${escaped(made.token)}\n`)
}

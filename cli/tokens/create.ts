import { givenRoles } from '../../shared/access/rights.ts'
import { makeToken as endpoint } from '../../shared/access/tokens.ts'
import { Failure } from '../../shared/errors.ts'
import type { Context } from '../context.ts'
import { escaped, escapedJson } from '../escape.ts'
import { changeImmediately } from '../guard/immediate-change.ts'
import type { Ending } from '../output/print.ts'
import { days } from '../settings/duration.ts'
import { parseInput } from '../settings/flags/flag-errors.ts'
import { endText } from './columns.ts'

interface CreateFlags {
  role?: string
  principal?: string
  expires?: string
  mayEnqueue?: boolean
}

/**
 * Makes a token, and prints its secret alone on stdout, also with `--quiet`: nothing can print it again.
 * @throws Failure `usage` without a name or a role
 */
export async function createToken(context: Context, name: string | undefined, flags: CreateFlags): Promise<Ending> {
  const { print, another } = context
  const { role, principal, expires, mayEnqueue } = flags
  if (name === undefined || role === undefined) {
    throw new Failure('usage', `token create needs ${name === undefined ? 'a name' : '--role'}; nothing was changed`, {
      hint: `jobsctl token create ci --role worker; the roles are ${givenRoles.join(', ')}`,
    })
  }
  const request = parseInput(endpoint.input, {
    ...{ name, role },
    ...(mayEnqueue && { may_enqueue: true }),
    ...(principal !== undefined && { principal }),
    ...(expires !== undefined && { expires: expires === 'never' ? expires : days(expires, '--expires') }),
  })
  const made = await changeImmediately(context, { endpoint, request, look: another(['token', 'list']) })
  if (!made) return 'ok'
  // The id comes first: where stdout takes no more, it says which token to revoke.
  print.aside(
    `Made token ${escaped(made.id)}: ${escaped(made.name)}, ${escaped(made.role)}, ${endText(made)}. It is shown this once.`,
  )
  if (print.structured) print.text(`${escapedJson(JSON.stringify(made))}\n`)
  else print.text(`${escaped(made.token)}\n`)
  return 'ok'
}

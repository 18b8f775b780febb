import { isRole, rights, rightsOf } from '../../../shared/access/rights.ts'
import { listTokens as listing, showToken as showing, type Token } from '../../../shared/access/tokens.ts'
import { Failure } from '../../../shared/errors.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { answerOf } from '../../answer-of.ts'
import type { Context } from '../../context.ts'
import { fieldColumns, fieldsOf } from '../../output/operation-columns.ts'
import type { Ending } from '../../output/print.ts'
import { labelledText } from '../../text/wrap.ts'
import { columns, forPeople } from './columns.ts'

/** The most tokens of one answer. */
const most = 1000

export async function listTokens(context: Context): Promise<Ending> {
  const answer = await answerOf(context, listing, { limit: String(most) })
  if (!answer) return 'ok'
  const { body, raw } = answer
  context.print.rows({ columns, forPeople, rows: body, json: raw, empty: 'no tokens' })
  if (body.length >= most) context.print.aside(`the newest ${most} tokens; jobs-server token list shows all`)
  return 'ok'
}

/**
 * Shows one token field by field, and to people what it may do.
 * @throws Failure `not_found`
 */
export async function showToken(context: Context, id: string): Promise<Ending> {
  const answer = await answerOf(context, showing, { id })
  if (!answer) return 'ok'
  const { print } = context
  const rows = fieldsOf(answer.body)
  if (print.asScreen) {
    const fields = rows.map(({ field, value }) => [field, escaped(value)] as const)
    print.result(labelledText([...fields, ...mayLines(answer.body)], print.width))
  } else print.rows({ columns: fieldColumns, rows, record: answer.raw, json: answer.raw, empty: '' })
  return 'ok'
}

/** What a token may do; nothing for a role that only a newer version of the server knows. */
const mayLines = (token: Token): (readonly [string, string])[] =>
  isRole(token.role) ? [...rightsOf(token)].map((right) => ['may', rights[right]] as const) : []

/**
 * The id of a token, as it was typed. The error does not repeat what was typed, since that may be a whole token with its secret.
 * @throws Failure `usage`
 */
export function idOf({ another }: Context, word: string, given: string | undefined): string {
  if (given !== undefined && /^[0-9a-f]{12}$/.test(given)) return given
  throw new Failure('usage', `token ${word} needs the id of a token, 12 hexadecimal digits; nothing was changed`, {
    hint: `${another(['token', 'list'])} shows the ids`,
  })
}

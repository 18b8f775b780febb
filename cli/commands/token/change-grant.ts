import type { z } from 'zod'
import { showToken as showing, type Token } from '../../../shared/access/tokens.ts'
import type { Endpoint } from '../../../shared/endpoint.ts'
import { escaped } from '../../../shared/text/escape.ts'
import type { Context } from '../../context.ts'
import { changeImmediately, checkImmediate } from '../../guard/immediate-change.ts'
import type { Ending } from '../../output/print.ts'

interface GrantChange<In extends z.ZodType, Out extends z.ZodType<Token>> {
  endpoint: Endpoint<In, Out>
  request: z.input<In>
  /** What the token is now, as the end of a sentence: `is not limited`. */
  say: (changed: Token) => string
  /** The words of the command that gives back what it was; undefined where no command does. */
  undo: (before: Token) => string[] | undefined
}

/**
 * Changes what a token may do, at once and for every server. What it may do before is read first, for the command that gives it back.
 * @throws Failure `not_found`; what the endpoint refuses
 */
export async function changeGrant<In extends z.ZodType, Out extends z.ZodType<Token>>(
  context: Context,
  id: string,
  { endpoint, request, say, undo }: GrantChange<In, Out>,
): Promise<Ending> {
  const { settings, print, another } = context
  await checkImmediate(context)
  const before = settings.curl ? undefined : (await (await context.client()).call(showing, { id })).body
  const changed = await changeImmediately(context, { endpoint, request, look: another(['token', 'show', id]) })
  if (!changed) return 'ok'
  const words = before && undo(before)
  const back = words ? `   Undo:  ${another(words)}` : ''
  print.sentence(changed, `Token ${named(changed)} ${say(changed)}.${back}`, 'done')
  return 'ok'
}

/** `4f0c2a9be1d7 (ci)` */
export const named = ({ id, name }: Token): string => `${escaped(id)} (${escaped(name)})`

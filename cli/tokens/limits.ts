import { type LimitFlags, limitsOfFlags, limitsText } from '../../shared/access/limits.ts'
import { setTokenLimits, showToken as showing, type Token } from '../../shared/access/tokens.ts'
import { Failure } from '../../shared/errors.ts'
import { escaped } from '../../shared/escape.ts'
import type { Context } from '../context.ts'
import { changeImmediately, checkImmediate } from '../guard/immediate-change.ts'
import type { Ending } from '../output/print.ts'
import { parseInput } from '../settings/flags/flag-errors.ts'

/**
 * Limits how many jobs the changes of a token touch, at once and for every server. The limits before are read first, for the command
 * that gives them back.
 * @throws Failure `usage` without a limit; `not_found`; `conflict` for a role that changes no jobs by the many
 */
export async function setLimits(context: Context, id: string, flags: LimitFlags): Promise<Ending> {
  const limits = limitsOfFlags(flags)
  if (Object.keys(limits).length === 0) {
    throw new Failure('usage', 'token set-limits needs --max-per-change or --max-per-day; nothing was changed', {
      hint: `${context.another(['token', 'set-limits', id])} --max-per-day 10000`,
    })
  }
  const request = parseInput(setTokenLimits.input, { id, ...limits })
  await checkImmediate(context)
  const before = context.settings.curl ? undefined : (await (await context.client()).call(showing, { id })).body
  const look = context.another(['token', 'show', id])
  const changed = await changeImmediately(context, { endpoint: setTokenLimits, request, look })
  if (!changed) return 'ok'
  const now = limitsText(changed) || 'as many jobs as it asks for'
  const back = before ? `   Undo:  ${undoWords(context, before)}` : ''
  const what = `Token ${escaped(changed.id)} (${escaped(changed.name)}) changes ${now}.${back}`
  context.print.sentence(changed, what, 'done')
  return 'ok'
}

/** The command that gives both limits back. */
const undoWords = ({ another }: Context, { id, max_per_change, max_per_day }: Token): string =>
  another([
    ...['token', 'set-limits', id, '--max-per-change', String(max_per_change ?? 'none')],
    ...['--max-per-day', String(max_per_day ?? 'none')],
  ])

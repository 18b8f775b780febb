import { type LimitFlags, limitsOfFlags, limitsText } from '../../../shared/access/limits.ts'
import { setTokenLimits, type Token } from '../../../shared/access/tokens.ts'
import { Failure } from '../../../shared/errors.ts'
import type { Context } from '../../context.ts'
import type { Ending } from '../../output/print.ts'
import { parseInput } from '../../settings/flags/flag-errors.ts'
import { changeGrant } from './change-grant.ts'

/**
 * Limits how many jobs the changes of a token touch.
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
  return changeGrant(context, id, {
    endpoint: setTokenLimits,
    request,
    say: (changed) => `changes ${limitsText(changed) || 'as many jobs as it asks for'}`,
    undo: undoWords,
  })
}

/** The command that gives both limits back. */
const undoWords = ({ id, max_per_change, max_per_day }: Token): string[] => [
  'token',
  'set-limits',
  id,
  '--max-per-change',
  String(max_per_change ?? 'none'),
  '--max-per-day',
  String(max_per_day ?? 'none'),
]

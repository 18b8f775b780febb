import type { Context } from '../../context.ts'
import type { Flag } from './flag.ts'
import { type ScopeFlags, scopeOf, scopeWords } from './scope-flags.ts'

export interface Given {
  /** The flags of the command. */
  flags: readonly Flag[]
  /** What was given, by the names of commander. */
  values: Record<string, unknown> & ScopeFlags
  operands: readonly string[]
}

/**
 * What was given, with times of ISO 8601 in place of the words of each flag that is described as a time. All are read at the same
 * moment, and before the command begins: its calls, its hints and its plan mean the same jobs.
 * @throws Failure as `momentOf` does
 */
export async function withTimes(
  context: Context,
  { flags, values, operands }: Given,
): Promise<Record<string, unknown>> {
  const given = flags.flatMap(({ flags: spelling, time }) => {
    const [, flag = '', name = ''] = /(--([\w-]+))/.exec(spelling) ?? []
    const key = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
    const words = values[key]
    return time && typeof words === 'string' ? [{ flag, key, words, time }] : []
  })
  if (given.length === 0) return values
  const { countsFromNow, momentOf } = await import('../moment.ts')
  const { clock } = context
  clock.matters = clock.aheadMs === undefined && given.some(({ words }) => countsFromNow(words))
  const [now, scope, times] = [Date.now() + (clock.aheadMs ?? 0), scopeWords(scopeOf(values)), { ...values }]
  for (const { flag, key, words, time } of given) {
    const direction = typeof time === 'function' ? time(operands) : time
    times[key] = await momentOf(context, words, { flag, direction, now, scope })
  }
  return times
}

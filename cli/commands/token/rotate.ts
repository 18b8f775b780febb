import { rotateToken as endpoint, longestOverlap } from '../../../shared/access/tokens.ts'
import { Failure } from '../../../shared/errors.ts'
import { escaped } from '../../../shared/escape.ts'
import type { Context } from '../../context.ts'
import { changeImmediately } from '../../guard/immediate-change.ts'
import type { Ending } from '../../output/print.ts'
import { parseInput } from '../../settings/flags/flag-errors.ts'
import { durationText, seconds } from '../../text/duration.ts'
import { whenText } from '../../text/times.ts'
import { endText } from './columns.ts'
import { printSecret } from './print-secret.ts'

/**
 * Gives a token a new secret, and prints it alone on stdout.
 * @throws Failure `usage` for an overlap of more than 7 days; `not_found`; `conflict` for a token that has ended
 */
export async function rotateToken(context: Context, id: string, overlap: string | undefined): Promise<Ending> {
  const request = parseInput(endpoint.input, {
    id,
    overlap_seconds: overlap === undefined ? undefined : lengthOf(overlap),
  })
  const look = context.another(['token', 'show', id])
  const rotated = await changeImmediately(context, { endpoint, request, look })
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

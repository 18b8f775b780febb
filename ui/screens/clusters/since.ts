import { call } from '../../api/call.ts'
import { Problem } from '../../api/problem.ts'
import { serverNow } from '../../state/now.ts'
import { timeBefore } from '../../state/span.ts'

/** The spans that are offered, with the words of `jobsctl clusters --since`. */
export const spans = [
  ['15m', 'the last 15 minutes'],
  ['1h', 'the last hour'],
  ['6h', 'the last 6 hours'],
  ['24h', 'the last 24 hours'],
  ['7d', 'the last 7 days'],
] as const

/** The words for the time of a mark. */
export const markWords = (text: string): string => `mark:${text}`

/**
 * The time of words such as `2h` or `mark:deploy 4711`. Other texts, such as a time of ISO 8601, go to the server as they are.
 * @throws Problem where no mark has the text
 */
export async function timeOf(words: string, signal: AbortSignal): Promise<string> {
  if (!words.startsWith('mark:')) return timeBefore(serverNow(), words) ?? words
  const text = words.slice('mark:'.length).trim()
  const [mark] = await call('listMarks', { text, limit: '1' }, { signal })
  if (!mark) throw new Problem({ code: 'not_found', detail: `No mark has the text “${text}”.` }, 404)
  return mark.at
}

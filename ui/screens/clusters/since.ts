import { call } from '../../api/call.ts'
import { Problem } from '../../api/problem.ts'

/** The spans that are offered, with the words of `jobsctl clusters --since`. */
export const spans = [
  ['15m', 'the last 15 minutes'],
  ['1h', 'the last hour'],
  ['6h', 'the last 6 hours'],
  ['24h', 'the last 24 hours'],
  ['7d', 'the last 7 days'],
] as const

const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** The words for the time of a mark. */
export const markWords = (text: string): string => `mark:${text}`

/**
 * The time of words such as `2h`, `mark:deploy 4711` or a time of ISO 8601, which goes to the server as it is.
 * @throws Problem where no mark has the text
 */
export async function timeOf(words: string, signal: AbortSignal): Promise<string> {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhdw])$/.exec(words) ?? []
  if (unit !== '') return new Date(Date.now() - Number(count) * (seconds[unit] ?? 1) * 1000).toISOString()
  if (!words.startsWith('mark:')) return words
  const text = words.slice('mark:'.length).trim()
  const [mark] = await call('listMarks', { text, limit: '1' }, { signal })
  if (!mark) throw new Problem({ code: 'not_found', detail: `No mark has the text “${text}”.` }, 404)
  return mark.at
}

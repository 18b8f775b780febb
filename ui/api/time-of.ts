import { readMoment } from '../../shared/times/moment.ts'
import { serverNow } from '../state/page.ts'
import { call } from './call.ts'
import { Problem } from './problem.ts'

/**
 * The time of words such as `2h`, a day, or `mark:deploy 4711`: the grammar of `jobsctl help times`, for what is past.
 * @throws Problem for words that are no time, and where no mark has the text
 */
export async function timeOf(words: string, signal: AbortSignal): Promise<string> {
  const moment = readMoment(words, 'past', serverNow())
  if ('at' in moment) return moment.at
  if ('wrong' in moment) throw new Problem({ code: 'invalid_request', detail: `“${words}” ${moment.wrong}.` }, 0)
  const [mark] = await call('listMarks', { text: moment.mark, limit: '1' }, { signal })
  if (!mark) throw new Problem({ code: 'not_found', detail: `No mark has the text “${moment.mark}”.` }, 404)
  return mark.at
}

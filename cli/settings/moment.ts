import { Failure } from '../../shared/errors.ts'
import { escaped } from '../../shared/text/escape.ts'
import { isClockTime, offsetsOf } from '../../shared/times/clock-time.ts'
import { secondsOf } from '../../shared/times/duration.ts'
import { type Direction, readMoment } from '../../shared/times/moment.ts'
import type { Context } from '../context.ts'
import { readerZone } from '../text/clock.ts'

/** Whether words mean another time by another clock. */
export const countsFromNow = (words: string): boolean => secondsOf(words) !== undefined || isClockTime(words.trim())

interface Asked {
  /** The flag that has the words. */
  flag: string
  direction: Direction
  /** Now, in milliseconds. */
  now: number
  /** The words of the scope of the command, which its hint keeps. */
  scope: readonly string[]
}

/**
 * The time that the words of a flag give, as the API takes it; `mark:<text>` is the time of the newest mark with this text.
 * @throws Failure `usage` for words that are no time; `not_found` where no mark has the text
 */
export async function momentOf(
  context: Context,
  words: string,
  { flag, direction, now, scope }: Asked,
): Promise<string> {
  const zone = readerZone(context.io)
  const moment = readMoment(words, direction, now, zone === undefined ? undefined : offsetsOf(zone))
  if ('at' in moment) return moment.at
  if ('wrong' in moment) throw new Failure('usage', `${flag}: ${moment.wrong}`)
  const marks = context.another(['history', ...scope, '--since', '30d'])
  if (context.settings.curl) {
    const detail = `${flag}: with --curl nothing is sent, so a mark must be given by its time`
    throw new Failure('usage', detail, { hint: `the marks of the last 30 days: ${marks}` })
  }
  const { listMarks } = await import('../../shared/history/marks.ts')
  const { parseInput } = await import('./flags/flag-errors.ts')
  const request = { text: moment.mark, limit: '1' }
  parseInput(listMarks.input, request)
  const { body } = await (await context.client()).call(listMarks, request)
  const [mark] = body
  if (mark) return mark.at
  throw new Failure('not_found', `no mark has the text "${escaped(moment.mark)}"`, {
    hint: `the marks of the last 30 days: ${marks}`,
  })
}

interface Range {
  since?: string | undefined
  until?: string | undefined
}

/**
 * Compares the times of `--since` and `--until`.
 * @throws Failure `usage` where no time is between them: an empty answer would say that nothing has happened
 */
export function refuseEmptyRange({ since = '', until = '' }: Range): void {
  if (!(Date.parse(since) >= Date.parse(until))) return
  throw new Failure('usage', `the range is empty: --since ${since} is not before --until ${until}`, {
    hint: '--since takes the earlier time and --until the later one, as in --since 2h --until 1h',
  })
}

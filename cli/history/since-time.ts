import { Failure } from '../../shared/errors.ts'
import { escaped } from '../../shared/escape.ts'
import type { Context } from '../context.ts'
import { pastTime } from '../settings/past-time.ts'

const prefix = 'mark:'

/**
 * The time that `--since` gives: as `pastTime` reads it, or of the newest mark with the text after `mark:`.
 * @throws Failure `not_found` where no mark has this text
 */
export async function sinceTime(context: Context, given: string): Promise<string> {
  const since = given.trim()
  if (!since.startsWith(prefix)) return pastTime(since, '--since')
  const text = since.slice(prefix.length).trim()
  const { listMarks } = await import('../../shared/history/marks.ts')
  const { parseInput } = await import('../settings/flags/flag-errors.ts')
  if (text === '') throw new Failure('usage', '--since mark: needs the text of a mark, such as "mark:deploy 4711"')
  const request = { text, limit: '1' }
  parseInput(listMarks.input, request)
  const { body } = await (await context.client()).call(listMarks, request)
  const [mark] = body
  if (mark) return mark.at
  throw new Failure('not_found', `no mark has the text "${escaped(text)}"`, {
    hint: `the marks of the last 30 days: ${context.another(['history', '--since', '30d'])}`,
  })
}

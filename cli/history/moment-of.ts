import { Failure } from '../../shared/errors.ts'
import { escaped } from '../../shared/escape.ts'
import type { Scope } from '../../shared/scope.ts'
import type { Context } from '../context.ts'
import { scopeWords } from '../settings/flags/scope-flags.ts'
import { pastTime } from '../settings/past-time.ts'

const prefix = 'mark:'

interface Asked {
  /** The flag that gives the time. */
  flag: string
  /** The scope of the command, which its hint keeps. */
  scope: Scope
}

/**
 * The time that a flag of a past time gives: as `pastTime` reads it, or of the newest mark with the text after `mark:`.
 * @throws Failure `not_found` where no mark has this text
 */
export async function momentOf(context: Context, given: string, { flag, scope }: Asked): Promise<string> {
  const since = given.trim()
  if (!since.startsWith(prefix)) return pastTime(since, flag)
  const text = since.slice(prefix.length).trim()
  const { listMarks } = await import('../../shared/history/marks.ts')
  const { parseInput } = await import('../settings/flags/flag-errors.ts')
  if (text === '') throw new Failure('usage', `${flag} mark: needs the text of a mark, such as "mark:deploy 4711"`)
  const request = { text, limit: '1' }
  parseInput(listMarks.input, request)
  const { body } = await (await context.client()).call(listMarks, request)
  const [mark] = body
  if (mark) return mark.at
  throw new Failure('not_found', `no mark has the text "${escaped(text)}"`, {
    hint: `the marks of the last 30 days: ${context.another(['history', ...scopeWords(scope), '--since', '30d'])}`,
  })
}

import { Failure } from '../../../shared/errors.ts'
import { keepOperation as endpoint } from '../../../shared/records/keep.ts'
import { escaped } from '../../../shared/text/escape.ts'
import type { Context } from '../../context.ts'
import { changeImmediately } from '../../guard/immediate-change.ts'
import type { Ending } from '../../output/print.ts'

/**
 * Prolongs the time in which an operation can be undone.
 * @param until in ISO 8601, as `--until` was read
 * @throws Failure `usage` without a time; `not_found`; `conflict` for an operation of which nothing is kept
 */
export async function keepOperation(context: Context, id: string, until: string | undefined): Promise<Ending> {
  const { print, another } = context
  if (until === undefined) {
    throw new Failure('usage', 'operations keep needs --until; nothing was changed', {
      hint: `jobsctl operations keep ${id} --until 30d`,
    })
  }
  const look = another(['operations', id])
  const body = await changeImmediately(context, { endpoint, request: { id, until }, look })
  if (!body) return 'ok'
  const time = body.kept_until.slice(0, 16).replace('T', ' ')
  print.sentence(body, `operation ${id} can be undone until ${escaped(time)} UTC`, 'done')
  return 'ok'
}

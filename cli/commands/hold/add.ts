import { Failure } from '../../../shared/errors.ts'
import { addHold as endpoint } from '../../../shared/records/holds.ts'
import { flagWords } from '../../../shared/text/shell.ts'
import { subjectOf, untilText } from '../../changes/hold-text.ts'
import type { Context } from '../../context.ts'
import { changeImmediately } from '../../guard/immediate-change.ts'
import type { Ending } from '../../output/print.ts'
import { parseInput } from '../../settings/flags/flag-errors.ts'
import { type SelectionFlags, selectionOf } from '../../settings/flags/selection-flags.ts'

interface AddFlags extends SelectionFlags {
  operation?: string
  until?: string
}

/**
 * Adds a hold over the jobs that flags or ids select, or over an operation.
 * @throws Failure `usage` without a time, and for a selection that is missing, or says two things
 */
export async function addHold(
  context: Context,
  { operation, until, ...selecting }: AddFlags,
  ids: string[],
): Promise<Ending> {
  const { print, another } = context
  if (until === undefined) {
    throw new Failure('usage', 'hold add needs --until; nothing was changed', { hint: 'for 30 days: --until 30d' })
  }
  const fields = await fieldsOf(context, { operation, selecting, ids })
  const request = { ...fields, until }
  parseInput(endpoint.input, request)
  const held = await changeImmediately(context, { endpoint, request, look: another(['hold', 'list']) })
  if (!held) return 'ok'
  const undo = another(['hold', 'remove', String(held.id)])
  print.sentence(held, `Held ${subjectOf(held)} until ${untilText(held)}.   Undo:  ${undo}`, 'done')
  return 'ok'
}

interface Selecting {
  operation: string | undefined
  selecting: SelectionFlags
  ids: string[]
}

async function fieldsOf(context: Context, { operation, selecting, ids }: Selecting): Promise<Record<string, unknown>> {
  if (operation === undefined) {
    // A hold asks nothing, so that stdin is free for ids.
    const asksNothing = { ...context, settings: { ...context.settings, yes: true } }
    if (ids.length > 0 && selecting.domain !== undefined)
      throw new Failure('usage', 'a hold over ids keeps the jobs with these ids in every domain; nothing was changed', {
        hint: 'leave out --domain',
      })
    const { job_id, all, ...fields } = (await selectionOf(asksNothing, selecting, ids)).fields
    if (job_id !== undefined) return { ids: [job_id] }
    // With a filter, --all means every domain, as for other changes.
    return Object.keys(fields).length > 0 ? fields : { all }
  }
  if (ids.length > 0 || Object.keys(selecting).length > 0)
    throw new Failure('usage', '--operation and other jobs exclude each other; nothing was changed')
  if (/^[1-9]\d{0,15}$/.test(operation)) return { operation_id: Number(operation) }
  throw new Failure('usage', '--operation: must be a whole number, such as 17', {
    hint: `${flagWords('--operation', '17').join(' ')}; jobsctl operations lists the numbers`,
  })
}

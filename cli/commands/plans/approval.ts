import { Failure } from '../../../shared/errors.ts'
import { type Approval, reviewOperation, setApproval, showApproval as showing } from '../../../shared/plans/approval.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { answerOf } from '../../answer-of.ts'
import type { Context } from '../../context.ts'
import { changeImmediately } from '../../guard/immediate-change.ts'
import type { Ending } from '../../output/print.ts'
import { jobsText } from '../../text/numbers.ts'

/** Shows from how many jobs on a change needs an approval, and which emergencies wait for a review. */
export async function showApproval(context: Context): Promise<Ending> {
  const answer = await answerOf(context, showing, {})
  if (!answer) return 'ok'
  context.print.sentence(answer.body, sentencesOf(context, answer.body), 'plain')
  return 'ok'
}

function sentencesOf({ another }: Context, { above, above_edit = null, to_review }: Approval): string {
  const waiting = to_review.map(
    ({ operation_id, principal, caller }) =>
      `operation ${operation_id} of ${escaped(principal ?? caller)} went past an approval: ${another(['plans', 'review', String(operation_id)])}`,
  )
  return [aboveText(above), ...(above_edit === null ? [] : [aboveText(above_edit, 'edit')]), ...waiting].join('\n')
}

const aboveText = (above: number | null, kind?: 'edit'): string => {
  const what = kind ?? 'change'
  if (above === null) return `no ${what} needs an approval`
  return `${kind ? 'an' : 'a'} ${what} of more than ${jobsText(above)} needs an approval`
}

/**
 * Sets from how many jobs on a change needs an approval.
 * @throws Failure `usage` for a text that is neither a number nor off
 */
export async function setAbove(context: Context, given: string, kind?: 'edit'): Promise<Ending> {
  const { print, another } = context
  if (given !== 'off' && !/^\d{1,15}$/.test(given))
    throw new Failure('usage', 'plans above: must be a number of jobs, or off; nothing was changed', {
      hint: another(['plans', 'above', '10000']),
    })
  const before = context.settings.curl ? undefined : (await (await context.client()).call(showing, {})).body
  const request = { above: given === 'off' ? null : Number(given), ...(kind && { kind }) }
  const look = another(['plans', 'approval'])
  const now = await changeImmediately(context, { endpoint: setApproval, request, look })
  if (!now) return 'ok'
  const numberOf = ({ above_in_database, above_edit = null }: Approval) => (kind ? above_edit : above_in_database)
  const words = ['plans', 'above', ...(kind ? [kind] : []), String((before && numberOf(before)) ?? 'off')]
  const back = before ? `   Undo:  ${another(words)}` : ''
  print.sentence(now, `From now on ${aboveText(kind ? numberOf(now) : now.above, kind)}.${back}`, 'done')
  return 'ok'
}

/** Signs an operation that went past the approval it needed. @throws Failure `not_found`, `forbidden` */
export async function review(context: Context, id: string): Promise<Ending> {
  const { print, another } = context
  const look = another(['plans', 'approval'])
  const done = await changeImmediately(context, { endpoint: reviewOperation, request: { id }, look })
  if (done) print.sentence(done, `Reviewed operation ${id}.`, 'done')
  return 'ok'
}

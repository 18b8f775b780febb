import { listPlans as listing, showPlan as showing } from '../../../shared/plans/plans.ts'
import { answerOf } from '../../answer-of.ts'
import type { Context } from '../../context.ts'
import { fieldColumns, fieldsOf } from '../../output/operation-columns.ts'
import type { Ending } from '../../output/print.ts'
import { parseInput } from '../../settings/flags/flag-errors.ts'
import { groupedDigits } from '../../text/numbers.ts'
import { columns, forPeople } from './columns.ts'

const mostListed = 1000

const mayBeMore = (state: string | undefined): string =>
  `note: the newest ${groupedDigits(mostListed)} plans; there may be older ones${state === undefined ? ': narrow the list by --state' : ''}`

/** @throws Failure `usage` for a state that no plan has */
export async function listPlans(context: Context, state: string | undefined): Promise<Ending> {
  parseInput(listing.input, { state })
  const answer = await answerOf(context, listing, { limit: String(mostListed), state })
  if (!answer) return 'ok'
  context.print.rows({ columns, forPeople, rows: answer.body, json: answer.raw, empty: 'no plans' })
  if (answer.body.length >= mostListed) context.print.aside(mayBeMore(state))
  return 'ok'
}

/**
 * Shows a plan field by field, and what can be done with it.
 * @throws Failure `not_found`
 */
export async function showPlan(context: Context, id: string): Promise<Ending> {
  const answer = await answerOf(context, showing, { id })
  if (!answer) return 'ok'
  const { print, another } = context
  const { state, decided_by, agent } = answer.body
  print.rows({ columns: fieldColumns, rows: fieldsOf(answer.body), record: answer.raw, json: answer.raw, empty: '' })
  if (!print.forPeople) return 'ok'
  if (state === 'waiting') print.aside(`To approve it:  ${another(['approve', id])}`)
  if ((state === 'approved' && decided_by !== null) || (state === 'waiting' && agent))
    print.aside(`To apply it:  ${another(['apply', id, '--yes'])}`)
  return 'ok'
}

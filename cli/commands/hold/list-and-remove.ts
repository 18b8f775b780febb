import { Failure } from '../../../shared/errors.ts'
import { type Hold, listHolds as listing, removeHold as removing } from '../../../shared/records/holds.ts'
import { answerOf } from '../../answer-of.ts'
import { subjectOf, untilText } from '../../changes/hold-text.ts'
import type { Context } from '../../context.ts'
import { changeImmediately } from '../../guard/immediate-change.ts'
import type { Ending } from '../../output/print.ts'
import type { Column } from '../../output/table.ts'
import { isoTime } from '../../text/times.ts'

const text = (value: string | number | null): string => String(value ?? '')

const id: Column<Hold> = { title: 'id', value: ({ id }) => String(id) }
const caller: Column<Hold> = { title: 'caller', value: ({ caller }) => caller }
const reason: Column<Hold> = { title: 'reason', value: ({ reason }) => text(reason) }

/** The columns of TSV. */
export const columns: Column<Hold>[] = [
  id,
  { title: 'until', value: ({ until }) => isoTime(until) },
  { title: 'filter', value: ({ filter }) => (filter === null ? '' : JSON.stringify(filter)) },
  { title: 'operation_id', value: ({ operation_id }) => text(operation_id) },
  { title: 'jobs', value: ({ jobs }) => text(jobs) },
  { title: 'undo_id', value: ({ undo_id }) => text(undo_id) },
  caller,
  reason,
  { title: 'created_at', value: ({ created_at }) => isoTime(created_at) },
]

const forPeople: Column<Hold>[] = [
  id,
  { title: 'over', value: subjectOf, gives: 'never' },
  { title: 'until', value: untilText, gives: 'never' },
  { ...caller, title: 'by' },
  { ...reason, gives: 'first', below: true },
]

/** The most holds of one answer. An undo adds one each, so that there may be any number. */
const most = 1000

export async function listHolds(context: Context): Promise<Ending> {
  const rows: Hold[] = []
  const json: unknown[] = []
  for (let before = {}; ; ) {
    const answer = await answerOf(context, listing, { limit: String(most), ...before })
    if (!answer) return 'ok'
    const { body, raw } = answer
    rows.push(...body)
    json.push(...(Array.isArray(raw) ? raw : []))
    const last = body.at(-1)
    if (!last || body.length < most) break
    before = { before_id: String(last.id) }
  }
  context.print.rows({ columns, forPeople, rows, json, empty: 'no holds' })
  return 'ok'
}

/**
 * Ends a hold.
 * @throws Failure `usage` for a text that is no id; `not_found`
 */
export async function removeHold(context: Context, given: string): Promise<Ending> {
  const { print, another } = context
  if (!/^[1-9]\d{0,15}$/.test(given))
    throw new Failure('usage', 'hold remove: the id must be a whole number, such as 3', {
      hint: another(['hold', 'list']),
    })
  const request = { id: given }
  const ended = await changeImmediately(context, { endpoint: removing, request, look: another(['hold', 'list']) })
  if (!ended) return 'ok'
  print.sentence(ended, `Ended hold ${ended.id} over ${subjectOf(ended)}, which was until ${untilText(ended)}.`, 'done')
  return 'ok'
}

import type { Day, Verified } from '../../../shared/records/records.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { answerOf } from '../../answer-of.ts'
import type { Context } from '../../context.ts'
import type { Ending } from '../../output/print.ts'
import type { Column } from '../../output/table.ts'
import { groupedDigits } from '../../text/numbers.ts'

const dayColumns: Column<Day>[] = [
  { title: 'day', value: ({ day }) => day },
  { title: 'operations', value: ({ operations }) => operations },
  { title: 'missing', value: ({ missing }) => missing, paint: ({ missing }) => (missing > 0 ? 'red' : undefined) },
  { title: 'broken', value: ({ broken }) => broken.join(' '), paint: () => 'red' },
]

/**
 * Checks the chain of records, and that it still has the hash `expect`.
 * @returns `failed` where records were altered or removed
 */
export async function verifyRecords(context: Context, expect: string | undefined): Promise<Ending> {
  const { verifyOperations: endpoint } = await import('../../../shared/records/records.ts')
  const { parseInput } = await import('../../settings/flags/flag-errors.ts')
  const { print } = context
  const answer = await answerOf(context, endpoint, parseInput(endpoint.input, { expect }))
  if (!answer) return 'ok'
  const { ok, operations, days, head, expected, not_sealed = [] } = answer.body
  const spoken = spokenFor(answer.body)
  if (ok && !print.structured) {
    const text = `${count(operations, 'operation')} on ${count(days.length, 'day')}: every record is unaltered, none is missing`
    print.sentence({}, text, 'done')
    if (spoken) print.aside(spoken)
    if (print.forPeople) for (const sentence of not_sealed) print.aside(escaped(sentence))
    if (print.forPeople && head) print.aside(keepText(context, head))
    return 'ok'
  }
  const bad = days.filter(({ broken, missing }) => broken.length > 0 || missing > 0)
  print.rows({ columns: dayColumns, rows: bad, json: answer.raw, empty: '' })
  if (ok) return 'ok'
  if (bad.length > 0) print.aside(`the records of ${count(bad.length, 'day')} were altered or removed`)
  if (expected === false) print.aside('the chain does not contain the expected hash: records were removed or replaced')
  return 'failed'
}

/** For which records only the chain speaks, since events whose term is over are deleted. */
function spokenFor({
  without_event: without = 0,
  events_since: since,
}: Pick<Verified, 'without_event' | 'events_since'>) {
  if (without === 0) return undefined
  const compared = since
    ? `records since ${escaped(since)} are compared with their events, too`
    : 'no record is compared with its event'
  return `${count(without, 'operation')} had an event that is deleted now: ${compared}`
}

const keepText = ({ another }: Context, head: string): string =>
  `To find out later that records were replaced, keep the last hash elsewhere:  ${another(['operations', 'verify', '--expect', head])}`

const count = (n: number, what: string): string => `${groupedDigits(n)} ${what}${n === 1 ? '' : 's'}`

import { Failure } from '../../../shared/errors.ts'
import {
  simulatePolicy as endpoint,
  mostDays,
  type SimulatedDay,
  type SimulatedRule,
} from '../../../shared/policy/simulate.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { secondsOf } from '../../../shared/times/duration.ts'
import { answerOf } from '../../answer-of.ts'
import type { Context } from '../../context.ts'
import type { Ending } from '../../output/print.ts'
import type { Column } from '../../output/table.ts'
import { groupedDigits, jobsText } from '../../text/numbers.ts'
import { readPolicyFile } from './policy-file.ts'

const daySeconds = 86_400

interface Row extends SimulatedDay {
  rule: SimulatedRule
}

/** The columns of TSV. */
export const columns: Column<Row>[] = [
  { title: 'rule', value: ({ rule }) => rule.name },
  { title: 'day', value: ({ day }) => day },
  { title: 'runs', value: ({ runs }) => runs },
  { title: 'matched', value: ({ matched }) => matched },
  { title: 'would_change', value: ({ would_change }) => would_change },
  { title: 'left', value: ({ left }) => left },
  { title: 'at_least', value: ({ rule }) => String(rule.at_least) },
]

const forPeople: Column<Row>[] = columns
  .filter(({ title }) => title !== 'at_least')
  .map((column) => ({ ...column, title: column.title.replace('_', ' ') }))

/**
 * Shows what the rules of a file would have taken on each of the last days, and what became of these jobs. Changes nothing.
 * @throws Failure `usage` for a file with faults, and for other days than 1 to 31
 */
export async function simulatePolicy(context: Context, file: string, last = '7d'): Promise<Ending> {
  const { print, another } = context
  const days = (secondsOf(last.trim()) ?? 0) / daySeconds
  if (!Number.isInteger(days) || days < 1 || days > mostDays)
    throw new Failure('usage', `--last: must be whole days from 1d to ${mostDays}d, such as 7d`)
  const rules = await readPolicyFile(context, file)
  const answer = await answerOf(context, endpoint, { rules, days })
  if (!answer) return 'ok'
  const { body, raw } = answer
  const rows = body.rules.flatMap((rule) => (rule.days ?? []).map((day) => ({ ...day, rule })))
  print.rows({ columns, forPeople, rows, json: raw, empty: 'no rule would have run in these days' })
  const uncounted = body.rules.filter((rule) => rule.days === null)
  for (const rule of body.rules) for (const line of linesOf(rule, print.asScreen)) print.aside(line)
  if (print.asScreen && rows.length > 0 && file !== '-')
    print.aside(
      `Nothing was changed. To see what it would take now: ${another(['policy', 'apply', file, '--dry-run'])}`,
    )
  return uncounted.length > 0 ? 'partial' : 'ok'
}

/** What became of the jobs of a rule, and what is not known; for a program only why a rule was not counted. */
function linesOf(rule: SimulatedRule, whole: boolean): string[] {
  const name = escaped(rule.name)
  if (rule.days === null) return [`note: ${name} was not counted: ${escaped(rule.why ?? '')}`]
  if (!whole || rule.days.length === 0) return []
  const least = rule.at_least ? 'at least ' : ''
  const took = `${name}: ${least}${jobsText(rule.matched)} came under it, and its runs would have taken ${groupedDigits(rule.would_change)}.`
  return [`${took}${afterwardsText(rule)}`, ...rule.not_known.map((sentence) => `  ${escaped(sentence)}`)]
}

/** ` Of these jobs, afterwards: 2 retried, 0 revealed, 1 edited, 0 held.` */
function afterwardsText({ afterwards, matched }: SimulatedRule): string {
  if (!afterwards || matched === 0) return ''
  const { retried, revealed, edited, held, ran } = afterwards
  const counts = { retried, revealed, edited, held, ...(ran !== null && { 'run or completed': ran }) }
  const told = Object.entries(counts).map(([what, count]) => `${groupedDigits(count)} ${what}`)
  return ` Of these jobs, afterwards: ${told.join(', ')}.`
}

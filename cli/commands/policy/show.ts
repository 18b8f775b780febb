import { showPolicy as endpoint, type Policy, type RuleState } from '../../../shared/policy/policy.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { whenText } from '../../../shared/times/time-and-size.ts'
import { answerOf } from '../../answer-of.ts'
import type { Context } from '../../context.ts'
import type { Ending } from '../../output/print.ts'
import type { Column } from '../../output/table.ts'
import { describeScope } from '../../settings/flags/scope-flags.ts'
import { groupedDigits } from '../../text/numbers.ts'
import { isoTime } from '../../text/times.ts'
import { changeText, timesText } from './describe.ts'

const text = (value: string | number | null | undefined): string => String(value ?? '')

const name: Column<RuleState> = { title: 'rule', value: ({ name }) => name }
const mode: Column<RuleState> = { title: 'mode', value: ({ rule }) => rule.mode }
const problem: Column<RuleState> = { title: 'problem', value: ({ last }) => text(last?.problem) }
const paint: Column<RuleState>['paint'] = ({ last }) =>
  last === null || ['done', 'reported'].includes(last.state) ? undefined : last.state === 'running' ? 'yellow' : 'red'

/** The columns of TSV. */
export const columns: Column<RuleState>[] = [
  name,
  { title: 'change', value: ({ rule }) => changeText(rule) },
  { title: 'place', value: ({ rule }) => describeScope(rule) },
  { title: 'at', value: ({ rule }) => rule.at },
  { title: 'time_zone', value: ({ rule }) => rule.time_zone },
  { title: 'max', value: ({ rule }) => rule.max },
  mode,
  { title: 'next_at', value: ({ next_at }) => isoTime(next_at) },
  { title: 'due_at', value: ({ last }) => isoTime(text(last?.due_at)) },
  { title: 'state', value: ({ last }) => text(last?.state) },
  { title: 'operation_id', value: ({ last }) => text(last?.operation_id) },
  { title: 'matched', value: ({ last }) => text(last?.matched) },
  { title: 'affected', value: ({ last }) => text(last?.affected) },
  { title: 'left', value: ({ last }) => text(last?.left) },
  { title: 'missed', value: ({ last }) => text(last?.missed) },
  problem,
]

const forPeople: Column<RuleState>[] = [
  name,
  { title: 'does', value: ({ rule }) => changeText(rule) },
  { title: 'where', value: ({ rule }) => describeScope(rule) },
  { title: 'at', value: ({ rule }) => timesText(rule) },
  mode,
  { title: 'next', value: ({ next_at }) => whenText(next_at), gives: 'never' },
  { title: 'last', value: lastText, paint, gives: 'never' },
  { ...problem, gives: 'first', below: true },
]

/** `2h ago: 9,310 changed, operation 17, 690 left`, with the times that passed without a run. After such times the run began later than it was due. */
function lastText({ last, rule }: RuleState): string {
  if (!last) return 'never'
  const { began_at, state, matched, affected, left, missed, operation_id } = last
  const what =
    state === 'reported'
      ? wouldHaveText(matched ?? 0, rule.max)
      : ['done', 'partial'].includes(state)
        ? `${groupedDigits(affected)} changed`
        : escaped(state)
  return [
    `${whenText(began_at)}: ${what}`,
    ...(operation_id === null ? [] : [`operation ${operation_id}`]),
    ...(left > 0 && state !== 'reported' && state !== 'running' ? [`${groupedDigits(left)} left`] : []),
    ...(missed > 0 ? [`${groupedDigits(missed)} missed`] : []),
  ].join(', ')
}

/** `would have changed 2`, or `would have changed 50 of 1,200`: a run changes at most `max` jobs. */
const wouldHaveText = (matched: number, max: number): string =>
  `would have changed ${groupedDigits(Math.min(matched, max))}${matched > max ? ` of ${groupedDigits(matched)}` : ''}`

/** Shows the policy that is applied: who applied it, and each rule with its next and its last run. */
export async function showPolicy(context: Context): Promise<Ending> {
  const answer = await answerOf(context, endpoint, {})
  if (!answer) return 'ok'
  const { body, raw } = answer
  const { print, another } = context
  const broken = body.broken ?? []
  const toWriteAgain = `To write it again: ${another(['policy', 'apply', 'policy.yaml'])}`
  const noRules = broken.length > 0 ? 'no rule of the policy can run' : 'the policy has no rules'
  const empty = body.applied === null && body.problem === null ? 'no policy is applied' : noRules
  print.rows({ columns, forPeople, rows: body.rules, json: raw, empty })
  if (print.forPeople) for (const line of aboutPolicy(body)) print.aside(line)
  if (body.problem !== null)
    print.aside(`No rule runs: ${escaped(body.problem)}.${body.applied ? '' : ` ${toWriteAgain}`}`)
  for (const { name, problem } of broken)
    print.aside(`Rule ${escaped(name)} does not run: ${escaped(problem)}. ${toWriteAgain}`)
  return 'ok'
}

function aboutPolicy({ applied, author_until, revision }: Policy): string[] {
  if (!applied) return []
  const why = applied.reason === null ? '' : ` (${JSON.stringify(applied.reason)})`
  const by = `${escaped(applied.name)}${applied.caller === applied.name ? '' : ` (${escaped(applied.caller)})`}`
  return [
    `Revision ${revision}, applied by ${by} ${whenText(applied.at)}${escaped(why)}${applied.plan === undefined ? '' : `, as plan ${applied.plan} was approved`}.`,
    ...(author_until === null ? [] : [`Its token expires ${whenText(author_until)}, and no rule runs from then on.`]),
  ]
}

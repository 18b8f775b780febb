import { useState } from 'preact/hooks'
import { type Answer, call } from '../../api/call.ts'
import { Act } from '../../parts/act.tsx'
import { Select } from '../../parts/controls.tsx'
import { Name } from '../../parts/name.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Clock } from '../../parts/times.tsx'
import { useAct } from '../../state/calls.ts'
import type { State } from './rule-table.tsx'

type Simulation = Answer<'simulatePolicy'>
type SimulatedRule = Simulation['rules'][number]

const spans = [
  ['1', 'the last day'],
  ['7', 'the last 7 days'],
  ['31', 'the last 31 days'],
] as const

interface SimulateProps {
  rules: readonly State['rule'][]
  /** True for rules that are not applied. */
  isEdited: boolean
}

/** Plays the rules on the days that are over. It only reads. */
export function Simulate({ rules, isEdited }: SimulateProps) {
  const [days, setDays] = useState('7')
  const [played, setPlayed] = useState<{ of: string; simulation: Simulation }>()
  const act = useAct()
  const of = JSON.stringify(rules)
  const simulate = () =>
    act.run(async () => {
      setPlayed(undefined)
      setPlayed({ of, simulation: await call('simulatePolicy', { rules, days: Number(days) }) })
    })
  return (
    <section class="confirm" aria-label="Simulate">
      <h2>Simulate</h2>
      <p class="faint">
        What {isEdited ? 'the rules as you have edited them' : 'these rules'} would have taken, and what became of these
        jobs. It reads, and changes nothing.
      </p>
      <div class="bar">
        <Select label="On" value={days} options={spans} onChange={setDays} />
        <Act onAct={simulate} isBusy={act.isBusy} lack={rules.length === 0 && 'There is no rule.'}>
          Simulate
        </Act>
        <span class="faint" role="status">
          {act.isBusy && 'Counting; at most 10 s…'}
        </span>
      </div>
      {act.problem && <ProblemNote problem={act.problem} onRetry={simulate} />}
      {played && played.of !== of && <p class="note care">The rules are others now: simulate again.</p>}
      {played && <Played {...played.simulation} />}
    </section>
  )
}

const Played = ({ from, to, rules }: Simulation) => (
  <>
    <p class="faint">
      From <Clock at={from} /> to <Clock at={to} /> UTC
    </p>
    {rules.map((rule) => (
      <PlayedRule key={rule.name} {...rule} />
    ))}
  </>
)

const number = (count: number) => count.toLocaleString('en')

/** A rule on each of the days, and what became of the jobs that it would have taken. */
function PlayedRule({ name, why, days, matched, would_change, afterwards, at_least, not_known }: SimulatedRule) {
  const least = at_least ? 'At least ' : ''
  return (
    <section class="played" aria-label={name}>
      <h3>
        <Name of={name} />
      </h3>
      {days === null ? (
        <p class="note care">It was not counted: {why}.</p>
      ) : (
        <p>
          {least}
          {number(matched)} came under it, and its runs would have taken <b>{number(would_change)}</b>.
          {afterwards && matched > 0 && ` Of these jobs, afterwards: ${afterwardsText(afterwards)}.`}
        </p>
      )}
      {days && days.length > 0 && (
        <details>
          <summary>By day</summary>
          <Rows label={`Days of ${name}`} rows={days} columns={dayColumns} keyOf={({ day }) => day} />
        </details>
      )}
      {not_known.map((sentence) => (
        <p key={sentence} class="faint">
          {sentence}
        </p>
      ))}
    </section>
  )
}

type Day = NonNullable<SimulatedRule['days']>[number]

const dayColumns: readonly Column<Day>[] = [
  ['Day', ({ day }) => day, 'row'],
  ['Runs', ({ runs }) => number(runs), 'number'],
  ['Matched', ({ matched }) => number(matched), 'number'],
  ['Would change', ({ would_change }) => number(would_change), 'number'],
  ['Left', ({ left }) => number(left), 'number'],
]

function afterwardsText({ retried, revealed, edited, held, ran }: NonNullable<SimulatedRule['afterwards']>): string {
  const counts = { retried, revealed, edited, held, ...(ran !== null && { 'run or completed': ran }) }
  return Object.entries(counts)
    .map(([what, count]) => `${number(count)} ${what}`)
    .join(', ')
}

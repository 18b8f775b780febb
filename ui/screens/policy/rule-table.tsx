import { Fragment } from 'preact'
import type { Answer } from '../../api/call.ts'
import { Link } from '../../parts/controls.tsx'
import { Name } from '../../parts/name.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Ago, Clock, spanText } from '../../parts/times.tsx'
import { Status } from '../../parts/values.tsx'

/** A rule with its times and its last run. */
export type State = Answer<'showPolicy'>['rules'][number]
type Rule = State['rule']

/** What a rule does: `prune completed, failed older than 30 d`, `cancel what waits for 2 d or runs for 6 h`. */
function changeText({ prune, sweep }: Pick<Rule, 'prune' | 'sweep'>): string {
  if (prune) return `prune ${prune.statuses.join(', ')} older than ${prune.older_than_days} d`
  const limits = [
    sweep?.age_seconds !== undefined && `waits for ${spanText(sweep.age_seconds)}`,
    sweep?.runtime_seconds !== undefined && `runs for ${spanText(sweep.runtime_seconds)}`,
  ]
  return `${sweep?.action ?? 'sweep'} what ${limits.filter((limit) => limit !== false).join(' or ')}`
}

const placeText = ({ domain, queue, job_type, all }: Rule): string =>
  all ? 'every domain' : [domain ?? '*', queue ?? '*', job_type ?? '*'].join('/').replace(/(\/\*)+$/, '')

/** Each rule: what it does, when it runs next, and what its last run did. */
export const RuleTable = ({ rules }: { rules: readonly State[] }) => (
  <Rows label="Rules" rows={rules} columns={columns} keyOf={({ name }) => name} />
)

const columns: readonly Column<State>[] = [
  [
    'Rule',
    ({ name, rule }) => (
      <div class="two-lines">
        <b>
          <Name of={name} />
        </b>{' '}
        {rule.mode === 'report' && (
          <span class="badge none" title="It counts, and changes nothing">
            report
          </span>
        )}
      </div>
    ),
    'row',
  ],
  [
    'Does',
    ({ rule }) => (
      <div class="two-lines">
        {changeText(rule)}
        <span class="faint">
          in <Name of={placeText(rule)} />, at most {rule.max.toLocaleString('en')} a run
        </span>
      </div>
    ),
  ],
  [
    'Runs (UTC)',
    ({ rule, next_at, later }) => (
      <div class="two-lines">
        <Times times={[next_at, ...(later ?? [])]} />
        <span class="faint">
          <code>{rule.at}</code> {rule.time_zone}
        </span>
      </div>
    ),
  ],
  ['Last run', ({ last }) => (last ? <Last {...last} /> : <span class="faint">none yet</span>)],
]

/** How many of the next times are written out. */
const mostTimes = 3

const Times = ({ times }: { times: readonly string[] }) => (
  <>
    <Ago at={times[0]} />:{' '}
    {times.slice(0, mostTimes).map((at, nth) => (
      <Fragment key={at}>
        {nth > 0 && ', '}
        <Clock at={at} />
      </Fragment>
    ))}
  </>
)

type Run = NonNullable<State['last']>
const number = (count: number) => count.toLocaleString('en')

/** What the last run did, with its operation. */
const Last = ({ state, began_at, missed, problem, ...run }: Run) => (
  <div class="two-lines">
    <Status of={state} /> <Ago at={began_at} />: <Outcome {...{ state, ...run }} />
    {missed > 0 && <span class="care">{number(missed)} runs were missed before it</span>}
    {problem !== null && <span class="bad">{problem}</span>}
  </div>
)

function Outcome({
  state,
  operation_id,
  matched,
  complete,
  affected,
  left,
}: Pick<Run, 'state' | 'operation_id' | 'matched' | 'complete' | 'affected' | 'left'>) {
  const all = matched === null ? '' : `${complete ? '' : 'at least '}${number(matched)}`
  if (state === 'reported') return <>{all} would match</>
  const changed = `${number(affected)} changed`
  return (
    <>
      {operation_id === null ? changed : <Link to={`/operations/${operation_id}`}>{changed}</Link>}
      {matched !== null && ` of ${all}`}
      {left > 0 && <b class="care">, {number(left)} left to the next run</b>}
    </>
  )
}

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
export function changeText({ prune, sweep }: Pick<Rule, 'prune' | 'sweep'>): string {
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
      <>
        <b>
          <Name of={name} />
        </b>{' '}
        {rule.mode === 'report' && (
          <span class="badge none" title="It counts, and changes nothing">
            report
          </span>
        )}
      </>
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
    'wide',
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
  ['Last run', ({ last }) => (last ? <Last {...last} /> : <span class="faint">none yet</span>), 'wide'],
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

/** What the last run did, with its operation. */
function Last({
  state,
  began_at,
  operation_id,
  matched,
  complete,
  affected,
  left,
  missed,
  problem,
}: NonNullable<State['last']>) {
  const number = (count: number) => count.toLocaleString('en')
  return (
    <>
      <Status of={state} /> <Ago at={began_at} />:{' '}
      {operation_id === null ? (
        `${number(affected)} changed`
      ) : (
        <Link to={`/operations/${operation_id}`}>{number(affected)} changed</Link>
      )}
      {matched !== null && ` of ${complete ? '' : 'at least '}${number(matched)}`}
      {left > 0 && <b class="care"> · {number(left)} left to the next run</b>}
      {missed > 0 && <b class="care"> · {number(missed)} runs missed</b>}
      {problem !== null && <b class="bad"> · {problem}</b>}
    </>
  )
}

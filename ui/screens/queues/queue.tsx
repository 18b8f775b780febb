import { useEffect, useState } from 'preact/hooks'
import { call } from '../../api/call.ts'
import { Problem, problemOf } from '../../api/problem.ts'
import { Act } from '../../parts/act.tsx'
import { Link, Why } from '../../parts/controls.tsx'
import { ActProblem } from '../../parts/login.tsx'
import { QueueName } from '../../parts/name.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Reasons } from '../../parts/reasons.tsx'
import { Sparkline } from '../../parts/sparkline.tsx'
import { Clock, Freshness } from '../../parts/times.tsx'
import { Status } from '../../parts/values.tsx'
import { addressOf, query } from '../../state/address.ts'
import { useLiveStats, useLoad } from '../../state/calls.ts'
import { can } from '../../state/engine.ts'
import { overview } from '../../state/overview.ts'
import { serverNow } from '../../state/page.ts'
import { may } from '../../state/session.ts'
import { ByType, Sums } from '../groups.tsx'
import { type Action, useSwitch } from '../overview/switch.tsx'
import { WorkerTable } from '../workers/worker-table.tsx'
import { Throttle } from './throttle.tsx'

/** The queue of the address. Without a name the counts would be those of all queues. */
export function Queue() {
  const [domain = '', queue = ''] = ['domain', 'queue'].map((name) => query.value.get(name)?.trim())
  if (domain !== '' && queue !== '') return <OneQueue domain={domain} queue={queue} />
  return (
    <p class="note care">
      The address names no queue: it needs a domain and a queue. <Link to="/">The overview</Link> has them.
    </p>
  )
}

/*
 * The questions of this screen, in their order:
 *   1. Does it hand out jobs, and how many are there?   its state and its sums, live, by job type too
 *   2. Does it go well?                                 the last hour, and why jobs fail where some do
 *   3. Why does nothing run?                            every reason, each with what removes it
 *   4. Who works on it?                                 its workers
 *   5. What can I do?                                   pause, drain, resume with a reason and the way back; a throttle
 */

/** One queue, which follows what others do. */
function OneQueue({ domain, queue }: OfQueue) {
  const stats = useLiveStats({ domain, queue })?.stats.value
  // Load again when the queue is stopped or resumed, by anyone.
  const stop = stats && JSON.stringify(stats.stopped)
  const loaded = useLoad(JSON.stringify([domain, queue, stop]), async (signal) => {
    const [state, why] = await Promise.all([
      call('queueStatus', { domain, queue }, { signal }),
      can('explain')
        ? call('explainQueue', { domain, queue }, { signal }).catch((error: unknown) => {
            if (signal.aborted) throw error
            // The switch is there without it.
            return problemOf(error)
          })
        : undefined,
    ])
    return { state, why }
  })
  const { data, problem, isLoading, reload } = loaded
  const [round, setRound] = useState(0)
  const refresh = () => {
    setRound(round + 1)
    reload()
  }
  const groups = stats ? [...stats.groups.values()] : []
  const of = { domain, queue, round }
  // What cannot be read of a name is told once.
  const isRead = !problem || data !== undefined
  return (
    <>
      <div class="bar">
        <QueueName domain={domain} queue={queue} />
        {data && <Status of={wordOf(data.state)} />}
        <Freshness {...loaded} reload={refresh} />
        <Link to={addressOf('/jobs', { domain, queue })}>Its jobs</Link>
        {can('clusters') && <Link to={addressOf('/clusters', { domain, queue })}>Its failures</Link>}
        {can('events') && <Link to={addressOf('/events', { domain, queue })}>Its events</Link>}
        {can('history') && <Link to={addressOf('/history', { domain, queue })}>Its history</Link>}
      </div>
      {stats && <Sums groups={groups} since={rowOf(domain, queue)?.oldest_due} />}
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {isRead && can('history') && <LastHour key={`${domain}/${queue}/hour`} {...of} />}
      {isRead && can('clusters') && <Failures key={`${domain}/${queue}/failures`} {...of} />}
      {data?.why && (data.why instanceof Problem ? <ProblemNote problem={data.why} /> : <Reasons {...data.why} />)}
      {groups.length > 1 && <ByType groups={groups} />}
      {isRead && can('workers') && <Workers key={`${domain}/${queue}/workers`} {...of} />}
      {data && may('queues') && can('pause', 'drain') && (
        <Control
          key={`${domain}/${queue}`}
          {...{ domain, queue, isLoading }}
          readAt={loaded.readAt}
          state={wordOf(data.state)}
          onDone={reload}
        />
      )}
      {data && may('queues') && can('throttle') && (
        <Throttle
          key={`${domain}/${queue}/throttle`}
          {...{ domain, queue }}
          throttle={data.state.throttle}
          readAt={loaded.readAt}
          onDone={reload}
        />
      )}
    </>
  )
}

/** The queue in the overview, which is read again by itself. */
const rowOf = (domain: string, queue: string) =>
  overview.value?.queues.find((one) => one.domain === domain && one.queue === queue)

interface OfQueue {
  domain: string
  queue: string
}

/** What is read beside the state of a queue; another round reads it again. */
interface OfRound extends OfQueue {
  round: number
}

/** What was completed and what failed in each minute of the last hour; nothing where no history tells. */
function LastHour({ domain, queue, round }: OfRound) {
  const { data, problem, reload } = useLoad(`${domain}/${queue} ${round}`, async (signal) => {
    const from = new Date(serverNow() - 3_600_000).toISOString()
    return call('history', { domain, queue, from, step: '1m' }, { signal })
  })
  if (problem) return <ProblemNote problem={problem} onRetry={reload} />
  if (!data || data.since === null) return null
  const done = data.points.map(({ completed }) => completed)
  const failed = data.points.map((point) => point.failed + point.quarantined)
  const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0).toLocaleString('en')
  const said = `${sum(done)} completed, ${sum(failed)} failed in the last hour${data.of_jobs ? ', of the jobs still there' : ''}`
  return (
    <Link to={addressOf('/history', { domain, queue, since: '1h' })} class="card last-hour">
      {[...done, ...failed].some((count) => count > 0) && (
        <Sparkline
          label={said}
          series={[
            ['bad', failed],
            ['good', done],
          ]}
        />
      )}
      <span class="faint">{said}</span>
    </Link>
  )
}

/** The most clusters that are named. */
const mostClusters = 3

/** Why jobs of the queue fail, where some have failed within the last minutes: nobody searches a table for nothing. */
function Failures({ domain, queue, round }: OfRound) {
  const row = rowOf(domain, queue)
  const fails = (row?.failed_per_minute ?? 0) > 0
  const { data, problem, reload } = useLoad(`${domain}/${queue} ${fails} ${round}`, async (signal) => {
    if (!fails) return []
    const since = new Date(serverNow() - 3_600_000).toISOString()
    const { clusters } = await call('failureClusters', { domain, queue, since, limit: mostClusters }, { signal })
    return clusters.filter(({ status }) => status !== null)
  })
  if (problem) return <ProblemNote problem={problem} onRetry={reload} />
  if (!data || data.length === 0) return null
  return (
    <section aria-label="Its failures of the last hour">
      <ul class="plain">
        {data.map(({ cluster, status, count, error_code, pattern, first_seen, at_least }) => (
          <li key={cluster} class="note bad">
            <b>
              {at_least && 'at least '}
              {count.toLocaleString('en')} {status}
            </b>{' '}
            since <Clock at={first_seen} />: {[error_code, pattern].filter((text) => text).join(': ')}{' '}
            <Link to={addressOf('/clusters', { domain, queue, since: '1h' })}>Look</Link>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** The workers of the queue. */
function Workers({ domain, queue, round }: OfRound) {
  const { data, problem, reload } = useLoad(`${domain}/${queue} ${round}`, (signal) =>
    call('listWorkers', { domain, queue }, { signal }),
  )
  if (problem) return <ProblemNote problem={problem} onRetry={reload} />
  if (!data || data.length === 0) return null
  return (
    <section aria-label="Its workers">
      <h2>Workers</h2>
      <WorkerTable workers={data} scope={{ domain, queue }} />
    </section>
  )
}

type Word = 'open' | 'paused' | 'draining'

const wordOf = ({ paused, drain }: { paused: boolean; drain: boolean }): Word =>
  drain ? 'draining' : paused ? 'paused' : 'open'

const actions = [
  {
    name: 'pause',
    verb: 'pause',
    label: 'Pause',
    makes: 'paused',
    says: 'No job is handed out; running jobs go on, and new jobs wait.',
  },
  {
    name: 'drain',
    verb: 'drain',
    label: 'Drain',
    makes: 'draining',
    says: 'No job is handed out, and no new job is taken.',
  },
  { name: 'resume', verb: 'pause', label: 'Resume', makes: 'open', says: 'Jobs are handed out again.' },
] as const

interface ControlProps extends OfQueue {
  state: Word
  /** True while the state is read again. */
  isLoading: boolean
  /** When it was read, by the clock of the server, in milliseconds. */
  readAt: number | undefined
  onDone: () => void
}

const actionOf = (name: Action) => actions.find((action) => action.name === name)

function Control({ domain, queue, state, isLoading, readAt = 0, onDone }: ControlProps) {
  const [reason, setReason] = useState('')
  const { act, done, send } = useSwitch({ domain, queue })
  useEffect(() => {
    if (!done) return
    setReason('')
    onDone()
  }, [done])
  // A way back has none itself: a second click on the same place would undo it.
  const back = done && !done.isBack ? actionOf(done.back) : undefined
  // Until the state is known that an act has made: the second click of a double click would act again, without the reason. A later read,
  // which the stream asks for, takes no press away.
  const isBusy = act.isBusy || (isLoading && done !== undefined && readAt < done.at)
  return (
    <section class="confirm" aria-label="Switch">
      <Why reason={reason} onChange={setReason} />
      <div class="bar">
        {actions
          .filter(({ verb }) => can(verb))
          .map(({ name, label, makes }) => (
            <Act key={name} isBusy={isBusy} lack={makes === state} onAct={() => send(name, reason)}>
              {label}
            </Act>
          ))}
      </div>
      <p role="status">{done && actionOf(done.action)?.says}</p>
      {done && back && back.makes !== state && (
        <Act isBusy={isBusy} onAct={() => send(back.name, done.reason, true)}>
          Take it back: {back.label}
        </Act>
      )}
      <ActProblem act={act} />
    </section>
  )
}

import { useState } from 'preact/hooks'
import { call, confirmed } from '../../api/call.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import { Button, Link, Why } from '../../parts/controls.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Reasons } from '../../parts/reasons.tsx'
import { Sparkline } from '../../parts/sparkline.tsx'
import { Clock } from '../../parts/times.tsx'
import { Status } from '../../parts/values.tsx'
import { addressOf, query } from '../../state/address.ts'
import { useLiveStats, useLoad } from '../../state/calls.ts'
import { can } from '../../state/engine.ts'
import { overview } from '../../state/overview.ts'
import { serverNow } from '../../state/page.ts'
import { may } from '../../state/session.ts'
import { Sums } from '../groups.tsx'
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

/** One queue: what it holds, whether it hands out jobs, why nothing of it runs, and the switch. It follows what others do. */
function OneQueue({ domain, queue }: OfQueue) {
  const stats = useLiveStats({ domain, queue })?.stats.value
  // Load again when the queue is stopped or resumed, by anyone.
  const stop = stats && JSON.stringify(stats.stopped)
  const { data, problem, isLoading, reload } = useLoad(JSON.stringify([domain, queue, stop]), async (signal) => {
    const [state, why] = await Promise.all([
      call('queueStatus', { domain, queue }, { signal }),
      call('explainQueue', { domain, queue }, { signal }),
    ])
    return { state, why }
  })
  return (
    <>
      <div class="bar">
        <b>
          {domain}/{queue}
        </b>
        {data && <Status of={wordOf(data.state)} />}
        <Button onClick={reload}>Refresh</Button>
        <Link to={addressOf('/jobs', { domain, queue })}>Its jobs</Link>
        {can('clusters') && <Link to={addressOf('/clusters', { domain, queue })}>Its failures</Link>}
        <Link to={addressOf('/events', { domain, queue })}>Its events</Link>
        <Link to={addressOf('/history', { domain, queue })}>Its history</Link>
      </div>
      {stats && <Sums groups={[...stats.groups.values()]} />}
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {can('history') && <LastHour key={`${domain}/${queue}/hour`} domain={domain} queue={queue} />}
      {can('clusters') && <Failures key={`${domain}/${queue}/failures`} domain={domain} queue={queue} />}
      {data && <Reasons {...data.why} />}
      {can('workers') && <Workers key={`${domain}/${queue}/workers`} domain={domain} queue={queue} />}
      {data && may('queues') && can('pause', 'drain') && (
        <Control
          key={`${domain}/${queue}`}
          {...{ domain, queue, isLoading }}
          state={wordOf(data.state)}
          onDone={reload}
        />
      )}
      {may('queues') && can('throttle') && (
        <Throttle key={`${domain}/${queue}/throttle`} domain={domain} queue={queue} />
      )}
    </>
  )
}

interface OfQueue {
  domain: string
  queue: string
}

/** What was completed and what failed in each minute of the last hour; nothing where no history tells. */
function LastHour({ domain, queue }: OfQueue) {
  const { data } = useLoad(`${domain}/${queue}`, async (signal) => {
    const from = new Date(serverNow() - 3_600_000).toISOString()
    return call('history', { domain, queue, from, step: '1m' }, { signal })
  })
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
function Failures({ domain, queue }: OfQueue) {
  const row = overview.value?.queues.find((one) => one.domain === domain && one.queue === queue)
  const fails = (row?.failed_per_minute ?? 0) > 0
  const { data } = useLoad(`${domain}/${queue} ${fails}`, async (signal) => {
    if (!fails) return []
    const since = new Date(serverNow() - 3_600_000).toISOString()
    const { clusters } = await call('failureClusters', { domain, queue, since, limit: mostClusters }, { signal })
    return clusters.filter(({ status }) => status !== null)
  })
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
function Workers({ domain, queue }: OfQueue) {
  const { data } = useLoad(`${domain}/${queue}`, (signal) => call('listWorkers', { domain, queue }, { signal }))
  if (!data || data.length === 0) return null
  return (
    <section aria-label="Its workers">
      <h2>Workers</h2>
      <WorkerTable workers={data} />
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

type Action = (typeof actions)[number]

interface ControlProps {
  domain: string
  queue: string
  state: Word
  /** True while the state is read again. */
  isLoading: boolean
  onDone: () => void
}

/** What was done last, and what gives back the state before. */
interface Done {
  says: string
  /** Absent where it was itself a way back: a second click on the same place would undo it. */
  back: Action | undefined
  /** Why the queue was stopped before. */
  reason: string
}

function Control({ domain, queue, state, isLoading, onDone }: ControlProps) {
  const [reason, setReason] = useState('')
  const [done, setDone] = useState<Done>()
  const [problem, setProblem] = useState<Problem>()
  const [isBusy, setBusy] = useState(false)
  const act = async (action: Action, why: string, isBack = false) => {
    setBusy(true)
    setProblem(undefined)
    const request = { domain, queue, action: action.name, ...(why !== '' && { reason: why }) }
    try {
      const { before } = await call('controlQueue', request, { headers: confirmed })
      const word = before ? wordOf(before) : state
      setDone({
        says: action.says,
        back: isBack ? undefined : actions.find(({ makes }) => makes === word),
        reason: before?.reason ?? '',
      })
      setReason('')
      onDone()
    } catch (error) {
      setProblem(problemOf(error))
    }
    setBusy(false)
  }
  const back = done?.back
  // Until the state is known that an act has made: the second click of a double click would act again, without the reason.
  const isWaiting = isBusy || isLoading
  return (
    <section class="confirm" aria-label="Switch">
      <Why reason={reason} onChange={setReason} />
      <div class="bar">
        {actions
          .filter(({ verb }) => can(verb))
          .map((action) => (
            <Button
              key={action.name}
              disabled={isWaiting || action.makes === state}
              onClick={() => act(action, reason.trim())}
            >
              {action.label}
            </Button>
          ))}
      </div>
      <p role="status">{done?.says}</p>
      {done && back && back.makes !== state && (
        <Button disabled={isWaiting} onClick={() => act(back, done.reason, true)}>
          Take it back: {back.label}
        </Button>
      )}
      {problem && <ProblemNote problem={problem} />}
    </section>
  )
}

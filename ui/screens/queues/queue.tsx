import { useState } from 'preact/hooks'
import { call, confirmed } from '../../api/call.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import { Button, Link, Why } from '../../parts/controls.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Reasons } from '../../parts/reasons.tsx'
import { Status } from '../../parts/values.tsx'
import { addressOf, query } from '../../state/address.ts'
import { useLiveStats, useLoad } from '../../state/calls.ts'
import { can } from '../../state/engine.ts'
import { may } from '../../state/session.ts'
import { Sums } from '../groups.tsx'

/** One queue: what it holds, whether it hands out jobs, why nothing of it runs, and the switch. It follows what others do. */
export function Queue() {
  const domain = query.value.get('domain') ?? ''
  const queue = query.value.get('queue') ?? ''
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
        <Link to={addressOf('/events', { domain, queue })}>Its events</Link>
        <Link to={addressOf('/history', { domain, queue })}>Its history</Link>
      </div>
      {stats && <Sums groups={[...stats.groups.values()]} />}
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {data && <Reasons {...data.why} />}
      {data && may('queues') && can('pause', 'drain') && (
        <Control
          key={`${domain}/${queue}`}
          {...{ domain, queue, isLoading }}
          state={wordOf(data.state)}
          onDone={reload}
        />
      )}
    </>
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

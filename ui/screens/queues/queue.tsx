import { useState } from 'preact/hooks'
import { call, confirmed } from '../../api/call.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import { Link } from '../../parts/link.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Reasons } from '../../parts/reasons.tsx'
import { Status } from '../../parts/status.tsx'
import { Why } from '../../parts/why.tsx'
import { addressOf, query } from '../../state/address.ts'
import { useLoad } from '../../state/load.ts'
import { may } from '../../state/session.ts'

/** One queue: whether it hands out jobs, why nothing of it runs, and the switch. */
export function Queue() {
  const domain = query.value.get('domain') ?? ''
  const queue = query.value.get('queue') ?? ''
  const { data, problem, reload } = useLoad(JSON.stringify([domain, queue]), async (signal) => {
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
        <button type="button" onClick={reload}>
          Refresh
        </button>
        <Link to={addressOf('/jobs', { domain, queue })}>Its jobs</Link>
      </div>
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {data && <Reasons {...data.why} />}
      {data && may('queues') && (
        <Control key={`${domain}/${queue}`} {...{ domain, queue }} state={wordOf(data.state)} onDone={reload} />
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
    label: 'Pause',
    makes: 'paused',
    says: 'No job is handed out; running jobs go on, and new jobs wait.',
  },
  { name: 'drain', label: 'Drain', makes: 'draining', says: 'No job is handed out, and no new job is taken.' },
  { name: 'resume', label: 'Resume', makes: 'open', says: 'Jobs are handed out again.' },
] as const

interface ControlProps {
  domain: string
  queue: string
  state: Word
  onDone: () => void
}

function Control({ domain, queue, state, onDone }: ControlProps) {
  const [reason, setReason] = useState('')
  const [said, setSaid] = useState('')
  const [problem, setProblem] = useState<Problem>()
  const [isBusy, setBusy] = useState(false)
  const act = async (action: (typeof actions)[number]) => {
    setBusy(true)
    setProblem(undefined)
    const why = reason.trim()
    const request = { domain, queue, action: action.name, ...(why !== '' && { reason: why }) }
    try {
      await call('controlQueue', request, { headers: confirmed })
      const back = actions.find(({ makes }) => makes === state)
      setSaid(`${action.says} To take it back: ${back?.label ?? 'Resume'}.`)
      setReason('')
      onDone()
    } catch (error) {
      setProblem(problemOf(error))
    }
    setBusy(false)
  }
  return (
    <section class="confirm" aria-label="Switch">
      <Why reason={reason} onChange={setReason} />
      <div class="bar">
        {actions.map((action) => (
          <button
            key={action.name}
            type="button"
            disabled={isBusy || action.makes === state}
            onClick={() => act(action)}
          >
            {action.label}
          </button>
        ))}
      </div>
      <p role="status">{said}</p>
      {problem && <ProblemNote problem={problem} />}
    </section>
  )
}

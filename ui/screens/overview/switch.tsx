import { useState } from 'preact/hooks'
import type { OverviewQueue } from '../../../shared/queues/overview.ts'
import { call, confirmed } from '../../api/call.ts'
import { Act } from '../../parts/act.tsx'
import { Button, Why } from '../../parts/controls.tsx'
import { ActProblem } from '../../parts/login.tsx'
import { Name } from '../../parts/name.tsx'
import { type Acting, useAct } from '../../state/calls.ts'
import { can } from '../../state/engine.ts'
import { overview, readOverview } from '../../state/overview.ts'
import { serverNow } from '../../state/page.ts'
import { may } from '../../state/session.ts'

interface Of {
  domain: string
  queue: string
}
export type Action = 'pause' | 'drain' | 'resume'

const words = { pause: 'Pause', drain: 'Drain', resume: 'Resume' } as const
const says = {
  pause: 'Paused: running jobs go on, new jobs wait.',
  drain: 'It drains: no job is handed out, and no new job is taken.',
  resume: 'Its jobs are handed out again.',
} as const

/** True where this caller may pause and resume queues, and the engine can. */
export const maySwitch = (): boolean => may('queues') && can('pause')

/** What was done, and what gives back the state before, with its reason. */
interface Done {
  action: Action
  back: Action
  reason: string
  /** True where it was itself a way back. */
  isBack: boolean
  /** When its answer came, by the clock of the server, in milliseconds. */
  at: number
}

/** Pauses or resumes a queue, and reads what all queues do again. */
export function useSwitch({ domain, queue }: Of): {
  act: Acting
  done: Done | undefined
  send: (action: Action, reason: string, isBack?: boolean) => Promise<void>
} {
  const act = useAct()
  const [done, setDone] = useState<Done>()
  const send = (action: Action, reason: string, isBack = false) =>
    act.run(async () => {
      const why = reason.trim()
      const request = { domain, queue, action, ...(why !== '' && { reason: why }) }
      const { before } = await call('controlQueue', request, { headers: confirmed })
      const back = before?.drain ? 'drain' : before?.paused ? 'pause' : 'resume'
      setDone({ action, back, reason: before?.reason ?? '', isBack, at: serverNow() })
      // The way back does not wait for it: the read may take long.
      readOverview()
    })
  return { act, done, send }
}

/** What a pause or its end means for the jobs of a queue now: the preview of the act. */
function effectText(action: Action, { waiting, running, in_per_minute }: OverviewQueue): string {
  const jobs = (count: number) => `${count.toLocaleString('en')} ${count === 1 ? 'job' : 'jobs'}`
  if (action === 'resume') return `${jobs(waiting)} that wait are handed out again to workers that ask.`
  const parts = [
    'No job is handed out.',
    waiting > 0 && `${jobs(waiting)} ${waiting === 1 ? 'waits' : 'wait'}, and ${waiting === 1 ? 'stays' : 'stay'}.`,
    running > 0 && `${jobs(running)} ${running === 1 ? 'runs, and goes on' : 'run, and go on'}.`,
    in_per_minute ? `About ${Math.ceil(in_per_minute).toLocaleString('en')} a minute come in, and wait, too.` : false,
  ]
  return parts.filter((part) => part !== false).join(' ')
}

interface SwitchProps {
  of: Of
  action: 'pause' | 'resume'
  onClose: () => void
}

/** Pauses or resumes a queue where its sentence stands: what it means now, why, and after it the way back. */
export function Switch({ of, action, onClose }: SwitchProps) {
  const { act, done, send } = useSwitch(of)
  const [reason, setReason] = useState('')
  const row = overview.value?.queues.find(({ domain, queue }) => domain === of.domain && queue === of.queue)
  return (
    <section class="switch-here" aria-label={`${words[action]} ${of.domain}/${of.queue}`}>
      {!done && (
        <>
          <p>{row ? effectText(action, row) : says[action]}</p>
          <Why reason={reason} onChange={setReason} />
        </>
      )}
      <p role="status">{done && says[done.action]}</p>
      <div class="act">
        {done ? (
          // A second press on the place of the first must not take it back.
          done.back !== done.action && (
            <Act onAct={() => send(done.back, done.reason)} isBusy={act.isBusy}>
              Take it back: {words[done.back]}
            </Act>
          )
        ) : (
          <Act look="primary" onAct={() => send(action, reason)} isBusy={act.isBusy}>
            {words[action]} <Name of={`${of.domain}/${of.queue}`} />
          </Act>
        )}
        <Button onClick={onClose}>{done ? 'Close' : 'Leave it as it is'}</Button>
      </div>
      <ActProblem act={act} />
    </section>
  )
}

/** Pauses a queue with one press, and has the way back in its place. */
export function PauseQueue(of: Of) {
  const { act, done, send } = useSwitch(of)
  if (!maySwitch()) return null
  const isPaused = done?.action === 'pause'
  return (
    <>
      <Act isBusy={act.isBusy} onAct={() => (done && isPaused ? send(done.back, done.reason) : send('pause', ''))}>
        {isPaused ? `${words[done.back]} this queue` : 'Pause this queue'}
      </Act>
      <p class="faint" role="status">
        {isPaused ? says.pause : 'A pause keeps the jobs; Resume takes it back.'}
      </p>
      <ActProblem act={act} />
    </>
  )
}

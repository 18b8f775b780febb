import { useState } from 'preact/hooks'
import type { Throttle as Limits } from '../../../shared/queues/throttle.ts'
import { call, confirmed } from '../../api/call.ts'
import { Act } from '../../parts/act.tsx'
import { ActProblem } from '../../parts/login.tsx'
import { useAct } from '../../state/calls.ts'
import { readOverview } from '../../state/overview.ts'
import { serverNow } from '../../state/page.ts'

const none: Limits = { running: null, per_minute: null }

/** A throttle as words, such as `at most 5 running, at most 60 a minute`. */
function limitsText({ running, per_minute }: Limits): string {
  const parts = [
    running !== null && `at most ${running.toLocaleString('en')} running`,
    per_minute !== null && `at most ${per_minute.toLocaleString('en')} a minute`,
  ]
  return parts.filter((part) => part !== false).join(', ') || 'not throttled'
}

/** The number that somebody typed; undefined for an empty field, whose limit stays as it is. */
const limitOf = (text: string): number | undefined => (text.trim() === '' ? undefined : Number(text))

interface ThrottleProps {
  domain: string
  queue: string
  /** What the queue is throttled to, as last read. */
  throttle: Limits | undefined
  /** When that was read, by the clock of the server, in milliseconds. */
  readAt: number | undefined
  onDone: () => void
}

/** What a queue is throttled to, and the brake for a third party that refuses us: fewer jobs at once, or fewer a minute, in place of a pause. */
export function Throttle({ domain, queue, throttle = none, readAt = 0, onDone }: ThrottleProps) {
  const [running, setRunning] = useState('')
  const [perMinute, setPerMinute] = useState('')
  const [reason, setReason] = useState('')
  const [done, setDone] = useState<{ now: Limits; before: Limits; at: number }>()
  const act = useAct()
  const limits = done && done.at > readAt ? done.now : throttle
  const isThrottled = limits.running !== null || limits.per_minute !== null
  const send = (wanted: Partial<Limits>) =>
    act.run(async () => {
      const why = reason.trim()
      const request = { domain, queue, ...wanted, ...(why !== '' && { reason: why }) }
      const { before, running, per_minute } = await call('throttleQueue', request, { headers: confirmed })
      setDone({ now: { running, per_minute }, before, at: serverNow() })
      onDone()
      readOverview()
    })
  const [mostRunning, mostPerMinute] = [limitOf(running), limitOf(perMinute)]
  const wanted = {
    ...(mostRunning !== undefined && { running: mostRunning }),
    ...(mostPerMinute !== undefined && { per_minute: mostPerMinute }),
  }
  const numbers = Object.values(wanted)
  const lack =
    numbers.length === 0
      ? 'Name a number first.'
      : numbers.every((number) => Number.isInteger(number) && number > 0)
        ? undefined
        : 'A limit is a whole number from 1 on.'
  return (
    <section class="confirm" aria-label="Throttle">
      <p>
        <b>Throttle</b> <span class="faint">for workers that lease over HTTP: {limitsText(limits)}</span>
      </p>
      <div class="bar">
        <label>
          Running at most{' '}
          <input
            inputMode="numeric"
            size={6}
            value={running}
            placeholder={limits.running?.toLocaleString('en')}
            onInput={({ currentTarget }) => setRunning(currentTarget.value)}
          />
        </label>
        <label>
          A minute at most{' '}
          <input
            inputMode="numeric"
            size={6}
            value={perMinute}
            placeholder={limits.per_minute?.toLocaleString('en')}
            onInput={({ currentTarget }) => setPerMinute(currentTarget.value)}
          />
        </label>
        <label>
          Reason of the throttle{' '}
          <input value={reason} onInput={({ currentTarget }) => setReason(currentTarget.value)} />
        </label>
      </div>
      <div class="bar">
        <Act onAct={() => send(wanted)} isBusy={act.isBusy} lack={lack}>
          Throttle
        </Act>
        {isThrottled && (
          <Act onAct={() => send(none)} isBusy={act.isBusy}>
            End the throttle
          </Act>
        )}
      </div>
      <p role="status">{done && `Now ${limitsText(done.now)}; before: ${limitsText(done.before)}.`}</p>
      <ActProblem act={act} />
    </section>
  )
}

import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { escapedJson } from '../../../shared/escape.ts'
import { type Answer, call } from '../../api/call.ts'
import { Button, Link } from '../../parts/controls.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Reasons } from '../../parts/reasons.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Ago } from '../../parts/times.tsx'
import { Facts, Json, Status } from '../../parts/values.tsx'
import { addressOfJob } from '../../state/address.ts'
import { useLoad } from '../../state/calls.ts'
import { may } from '../../state/session.ts'
import { Act } from './act.tsx'

type Job = Answer<'showJob'>

/** What the page shows in a place of its own. */
const apart = new Set([
  'payload',
  'result',
  'dependencies',
  'attachments',
  'events',
  'hidden',
  'status',
  'native_state',
])

const nativeOf = ({ native_state: native }: Job) => (typeof native === 'string' ? native : null)

/** One job with all that belongs to it. Values that look secret are masked until somebody reveals them. */
export function ShowJob({ id }: { id: string }) {
  const [isRevealed, setRevealed] = useState(false)
  const {
    data: shown,
    problem,
    reload,
  } = useLoad(`${id} ${isRevealed}`, async (signal) => ({
    job: await call('showJob', { id, redact: String(!isRevealed) }, { signal }),
    isMasked: !isRevealed,
  }))
  const data = shown?.job
  return (
    <>
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {data && (
        <>
          <div class="bar">
            <Status of={data.status ?? ''} native={nativeOf(data)} />
            {data.archived && <span class="chip">in the archive</span>}
            <Button onClick={reload}>Refresh</Button>
            {may('payloads') && (
              <Button aria-pressed={isRevealed} onClick={() => setRevealed(!isRevealed)}>
                {isRevealed ? 'Mask what looks secret' : 'Reveal what looks secret'}
              </Button>
            )}
            {!data.archived && <Act ids={[data.id]} states={[data.status ?? '']} />}
          </div>
          {!data.archived && <Why id={id} />}
          {/* What was revealed is gone at once, also where the server does not answer. */}
          {(isRevealed || shown?.isMasked) && (
            <>
              <Columns job={data} />
              <Values job={data} />
              <Dependencies job={data} />
              <Attachments job={data} />
              <Events job={data} />
            </>
          )}
        </>
      )}
    </>
  )
}

/** Why the job does not run; what ended as it should needs no reason. */
function Why({ id }: { id: string }) {
  const { data } = useLoad(id, (signal) => call('explainJob', { id }, { signal }))
  if (!data || data.status === 'completed') return null
  return <Reasons sentence={data.sentence} reasons={data.reasons} place={data.place?.sentence} />
}

const timeNames = /(_at|_until)$/

function Columns({ job }: { job: Job }) {
  const columns = Object.entries(job).filter(([name]) => !apart.has(name))
  return <Facts facts={columns.map(([name, value]) => [name, shownAs(name, value)])} />
}

function shownAs(name: string, value: unknown): ComponentChildren {
  if (value === null || value === '') return ''
  if (timeNames.test(name) && typeof value === 'string') return <Ago at={value} />
  return typeof value === 'object' ? escapedJson(JSON.stringify(value)) : String(value)
}

function Values({ job }: { job: Job }) {
  const hidden = job.hidden ?? []
  return (
    <>
      {(['payload', 'result'] as const).map((name) => (
        <section key={name} aria-label={name}>
          <h2>{name === 'payload' ? 'Payload' : 'Result'}</h2>
          {hidden.includes(name) ? <p class="faint">Your token may not see it.</p> : <Json value={job[name] ?? null} />}
        </section>
      ))}
    </>
  )
}

function Dependencies({ job }: { job: Job }) {
  const { depends_on = [], dependents = [] } = job.dependencies ?? {}
  if (depends_on.length + dependents.length === 0) return null
  return (
    <section aria-label="Dependencies">
      <h2>Dependencies</h2>
      {(
        [
          ['Waits for', depends_on],
          ['Waiting for this job', dependents],
        ] as const
      ).map(
        ([label, jobs]) =>
          jobs.length > 0 && (
            <p key={label}>
              {label}:{' '}
              {jobs.map(({ id, uuid, status }) => (
                <span key={uuid} class="chip">
                  {id === null ? uuid : <Link to={addressOfJob(id)}>{id}</Link>} {status && <Status of={status} />}
                </span>
              ))}
            </p>
          ),
      )}
    </section>
  )
}

function Attachments({ job }: { job: Job }) {
  const { attachments = [] } = job
  if (attachments.length === 0) return null
  return (
    <section aria-label="Attachments">
      <h2>Attachments</h2>
      <ul>
        {attachments.map(({ id, kind, content_text, url, created_at }) => (
          <li key={id}>
            <b>{kind}</b> <Ago at={created_at} /> {/* The address is text: a stranger wrote it. */}
            {url && <code>{url}</code>} {content_text && <Json value={content_text} />}
          </li>
        ))}
      </ul>
    </section>
  )
}

function Events({ job }: { job: Job }) {
  const { events = [] } = job
  if (events.length === 0) return null
  return (
    <section aria-label="Events">
      <h2>Events</h2>
      <Rows label="Events of the job" rows={events} columns={eventColumns} keyOf={({ id }) => id} />
    </section>
  )
}

const eventColumns: readonly Column<NonNullable<Job['events']>[number]>[] = [
  ['When', ({ created_at }) => <Ago at={created_at} />],
  ['What', ({ event_type }) => event_type],
  ['Details', ({ attrs }) => <code>{escapedJson(JSON.stringify(attrs))}</code>, 'wide'],
]

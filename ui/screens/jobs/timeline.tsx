import type { ComponentChildren } from 'preact'
import { Link } from '../../parts/controls.tsx'
import { Name, Person } from '../../parts/name.tsx'
import { spanText } from '../../parts/times.tsx'
import type { Meaning } from '../../parts/values.tsx'
import { Detail } from '../events/detail.tsx'
import { type Job, textOf } from './show.tsx'

/** One thing that happened to a job. */
interface Step {
  at: string
  meaning: Meaning
  /** What happened, in the words of the page. */
  what: ComponentChildren
  /** How long the step before took, or what is to be known beside. */
  beside?: ComponentChildren
}

type Event = NonNullable<Job['events']>[number]

/** As many as the server sends: there may be more before. */
const mostEvents = 50

/** What happened to the job, the oldest first: each attempt with its worker, how long the job waited for it, and how long it ran. */
export function Timeline({ job }: { job: Job }) {
  const { events = [] } = job
  const steps = events.length > 0 ? stepsOfEvents(events) : stepsOfColumns(job)
  if (steps.length === 0) return null
  return (
    <section aria-label="What happened">
      <h2>What happened</h2>
      {events.length >= mostEvents && <p class="faint">The last {mostEvents} events:</p>}
      {events.length === 0 && <p class="faint">No event is kept of it: these are the times of its row.</p>}
      <ol class="card timeline">
        {steps.map(({ at, meaning, what, beside }, nth) => (
          <li key={nth}>
            <time dateTime={at} title={at}>
              {clockOf(at, steps[nth - 1]?.at)}
            </time>
            <span class={`dot ${meaning}`} />
            <span>{what}</span>
            <span class="faint">{beside}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}

/** The time of day in UTC; with the day where it is another than before. */
function clockOf(at: string, before: string | undefined): string {
  if (Number.isNaN(Date.parse(at))) return at
  const iso = new Date(at).toISOString()
  const [day = '', clock = ''] = iso.split('T')
  return before?.startsWith(day) ? clock.slice(0, 8) : `${day.slice(5)} ${clock.slice(0, 8)}`
}

/** The later of two times as the server writes them. */
const laterOf = (one: string, other: string): string => [one, other].toSorted().at(-1) ?? other

const secondsBetween = (from: string | undefined, to: string): number | undefined => {
  const seconds = (Date.parse(to) - Date.parse(from ?? '')) / 1000
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined
}

const took = (verb: string, seconds: number | undefined): string | undefined => {
  if (seconds === undefined) return undefined
  return `${verb} ${seconds < 10 ? `${seconds.toFixed(seconds < 1 ? 2 : 1)} s` : spanText(seconds)}`
}

/** What is known of a job while its events are read in their order. */
interface Course {
  /** Since when the job could have been leased. */
  due: string | undefined
  /** Since when the attempt runs. */
  began: string | undefined
  /** The wait that the last failure has asked for, in seconds. */
  backoff: number | undefined
}

function stepsOfEvents(events: readonly Event[]): Step[] {
  const course: Course = { due: undefined, began: undefined, backoff: undefined }
  return events.map((event) => stepOf(event, fieldsOf(event.attrs), course))
}

type Attrs = Readonly<Record<string, unknown>>

const fieldsOf = (attrs: unknown): Attrs => (typeof attrs === 'object' && attrs !== null ? { ...attrs } : {})
const wordOf = (value: unknown): string => (value === null || value === undefined ? '' : String(value))

/** Steps that end an attempt, with what they are called. */
const ends: Readonly<Record<string, readonly [Meaning, string]>> = {
  'job.completed': ['good', 'completed'],
  'job.failed': ['bad', 'failed for good'],
  'job.quarantined': ['care', 'put into quarantine'],
  'job.retry_scheduled': ['bad', 'failed, tries again'],
  'job.lease_expired': ['care', 'lost: the lease ran out'],
  'job.released': ['none', 'given back by the worker'],
  'job.reclaimed': ['care', 'taken from the worker'],
  'job.cancelled': ['none', 'cancelled'],
}

/** Steps after which the job waits again, and others that operators make. */
const others: Readonly<Record<string, readonly [Meaning, string]>> = {
  'job.retried': ['active', 'retried'],
  'job.requeued': ['active', 'requeued'],
  'job.revived': ['active', 'brought back'],
  'job.restored': ['active', 'given back by an undo'],
  'job.redriven': ['active', 'redriven'],
  'job.edited': ['care', 'edited'],
  'job.rescheduled': ['none', 'due at another time'],
  'job.priority_set': ['none', 'given another priority'],
  'job.cancel_requested': ['care', 'asked to end'],
  'job.revealed': ['care', 'revealed'],
}

const waiting = new Set([
  'job.retried',
  'job.requeued',
  'job.revived',
  'job.restored',
  'job.redriven',
  'job.rescheduled',
])

/** Reads one event, and takes note of what the next ones follow from. */
function stepOf({ event_type, created_at: at = '' }: Event, attrs: Attrs, course: Course): Step {
  const time = at ?? ''
  const available = wordOf(attrs.available_at)
  const later = (one: string) => laterOf(available, one)
  if (event_type === 'job.created') {
    course.due = later(time)
    return { at: time, meaning: 'none', what: <>enqueued{byWhom(attrs)}</>, beside: dueLater(available, time) }
  }
  if (event_type === 'job.acquired') {
    const waited = took('waited', secondsBetween(course.due, time))
    const beside = course.backoff ? `backoff ${spanText(course.backoff)}` : waited
    course.began = time
    course.backoff = undefined
    return { at: time, meaning: 'active', what: <>leased by {workerOf(attrs)}</>, beside }
  }
  const end = ends[event_type ?? '']
  if (end) {
    const [meaning, words] = end
    const ran = took('ran', secondsBetween(course.began, time))
    course.began = undefined
    course.due = later(time)
    course.backoff = typeof attrs.backoff_seconds === 'number' ? attrs.backoff_seconds : undefined
    const why = [wordOf(attrs.error_code), wordOf(attrs.reason)].filter((text) => text !== '').join(' · ')
    return {
      at: time,
      meaning,
      what: (
        <>
          {why === '' ? words : `${words} · ${why}`}
          {byWhom(attrs)}
        </>
      ),
      beside: ran,
    }
  }
  const other = others[event_type ?? '']
  if (event_type && waiting.has(event_type)) {
    course.due = later(time)
    course.backoff = undefined
  }
  if (!other) return { at: time, meaning: 'none', what: event_type, beside: <Detail attrs={attrs} /> }
  const [meaning, words] = other
  return {
    at: time,
    meaning,
    what: (
      <>
        {words}
        {byWhom(attrs)}
      </>
    ),
    beside: wordOf(attrs.reason) || dueLater(available, time),
  }
}

const workerOf = (attrs: Attrs) => {
  const worker = wordOf(attrs.worker_id)
  return worker === '' ? (
    'a worker without a name'
  ) : (
    <b>
      <Name of={worker} />
    </b>
  )
}

/** Who made a step, and the record of the change that it was a part of. */
function byWhom(attrs: Attrs): ComponentChildren {
  const caller = wordOf(attrs.caller)
  const operation = attrs.operation ?? attrs.operation_id
  return (
    <>
      {caller !== '' && (
        <>
          {' '}
          by{' '}
          <b>
            <Person id={caller} principal={wordOf(attrs.name) || undefined} />
          </b>
        </>
      )}
      {typeof operation === 'number' && (
        <>
          {' in '}
          <Link to={`/operations/${operation}`}>operation {operation}</Link>
        </>
      )}
    </>
  )
}

const dueLater = (available: string, at: string): string | undefined => {
  const seconds = secondsBetween(at, available)
  return seconds === undefined || seconds < 1 ? undefined : `due ${spanText(seconds)} later`
}

/** The same of a job without events: of another engine, or older than the log. */
function stepsOfColumns(job: Job): Step[] {
  const worker = textOf(job, 'worker_id')
  const created = textOf(job, 'created_at')
  const began = textOf(job, 'acquired_at') || textOf(job, 'started_at')
  const end = (name: string, meaning: Meaning, what: string): readonly Step[] =>
    textOf(job, name) === ''
      ? []
      : [{ at: textOf(job, name), meaning, what, beside: took('after', secondsBetween(began, textOf(job, name))) }]
  const steps: readonly Step[] = [
    ...(created === '' ? [] : [{ at: created, meaning: 'none' as const, what: 'enqueued' }]),
    ...failuresOf(job),
    ...(began === ''
      ? []
      : [
          {
            at: began,
            meaning: 'active' as const,
            what:
              worker === '' ? (
                'leased'
              ) : (
                <>
                  leased by{' '}
                  <b>
                    <Name of={worker} />
                  </b>
                </>
              ),
            beside: took('waited', secondsBetween(laterOf(textOf(job, 'available_at'), created), began)),
          },
        ]),
    ...end(
      'completed_at',
      job.status === 'failed' ? 'bad' : 'good',
      job.status === 'failed' ? 'failed for good' : 'completed',
    ),
    ...end('quarantined_at', 'care', 'put into quarantine'),
    ...end('cancelled_at', 'none', 'cancelled'),
  ]
  return steps.toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at))
}

/** The failures that the row itself lists, but for the last, which is its end. */
function failuresOf(job: Job): Step[] {
  const list = Array.isArray(job.failure_timeline) ? job.failure_timeline : []
  return list.flatMap((failure: unknown): Step[] => {
    const { ts, error_code } = fieldsOf(failure)
    const at = wordOf(ts)
    if (at === '' || at === textOf(job, 'completed_at')) return []
    return [{ at, meaning: 'bad', what: ['failed', wordOf(error_code)].filter((text) => text !== '').join(' · ') }]
  })
}

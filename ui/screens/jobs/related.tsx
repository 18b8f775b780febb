import { Link } from '../../parts/controls.tsx'
import { Status } from '../../parts/values.tsx'
import { addressOfJob } from '../../state/address.ts'
import type { Job } from './show.tsx'

type RelatedJob = NonNullable<Job['dependencies']>['depends_on'][number]

/** The most jobs of each side that are drawn, and that the server sends. */
const mostDrawn = 6
const mostSent = 1000

/** `at least ` where the server has sent as many as it does. */
const least = (jobs: readonly RelatedJob[]): string => (jobs.length >= mostSent ? 'at least ' : '')

/** What the job waits for on the left, what waits for it on the right; absent where there is neither. */
export function Related({ job }: { job: Job }) {
  const { depends_on = [], dependents = [] } = job.dependencies ?? {}
  if (depends_on.length + dependents.length === 0) return null
  return (
    <section class="card" aria-label="Dependencies">
      <h2>Waits for, and who waits</h2>
      <div class="graph">
        <Side label="Waits for" jobs={depends_on} domain={job.domain} />
        {depends_on.length > 0 && <Edges count={Math.min(depends_on.length, mostDrawn + 1)} />}
        <span class="node own">
          <Mark status={job.status ?? ''} /> this job
        </span>
        {dependents.length > 0 && <Edges count={Math.min(dependents.length, mostDrawn + 1)} isOut />}
        <Side label="Waiting for this job" jobs={dependents} domain={job.domain} />
      </div>
      <p class="faint">{sentenceOf(depends_on, dependents)}</p>
    </section>
  )
}

interface SideProps {
  label: string
  jobs: readonly RelatedJob[]
  domain: string | null
}

const Side = ({ label, jobs, domain }: SideProps) =>
  jobs.length === 0 ? null : (
    <ul aria-label={label}>
      {jobs.slice(0, mostDrawn).map(({ id, uuid, status, archived }) => (
        <li key={uuid} class="node" title={`${status || 'gone'}${archived ? ', in the archive' : ''}`}>
          <Mark status={status ?? ''} />
          {id === null ? (
            <span class="faint">{uuid.slice(0, 8)}…</span>
          ) : (
            <Link to={addressOfJob(id, domain)}>{id}</Link>
          )}
        </li>
      ))}
      {jobs.length > mostDrawn && (
        <li class="node faint">
          {least(jobs)}
          {(jobs.length - mostDrawn).toLocaleString('en')} more
        </li>
      )}
    </ul>
  )

/** A state as its mark alone: there is no room for its word, which readers of the screen hear. */
const Mark = ({ status }: { status: string }) => (
  <span class="mark">
    <Status of={status || 'gone'} />
  </span>
)

/** The lines between the jobs of a side and this job. A unit is a hundredth of the height. */
const Edges = ({ count, isOut = false }: { count: number; isOut?: boolean }) => (
  <span class="edges">
    <svg viewBox="0 0 24 100" preserveAspectRatio="none" aria-hidden="true">
      {Array.from({ length: count }, (_none, at) => {
        const y = (100 * (at + 0.5)) / count
        const [from, to] = isOut ? [50, y] : [y, 50]
        return <path key={at} d={`M0 ${from}C12 ${from} 12 ${to} 24 ${to}`} />
      })}
    </svg>
  </span>
)

function sentenceOf(needed: readonly RelatedJob[], waiting: readonly RelatedJob[]): string {
  const done = needed.filter(({ status }) => status === 'completed').length
  const queued = waiting.filter(({ status }) => status === 'queued').length
  const cancelled = waiting.filter(({ status }) => status === 'cancelled').length
  const parts = [
    needed.length > 0 &&
      `${least(needed)}${done.toLocaleString('en')} of ${least(needed)}${needed.length.toLocaleString('en')} before it completed`,
    queued > 0 && `${least(waiting)}${queued.toLocaleString('en')} ${queued === 1 ? 'waits' : 'wait'} for it`,
    cancelled > 0 && `${least(waiting)}${cancelled.toLocaleString('en')} after it cancelled`,
  ].filter((part) => part !== false)
  return parts.length > 0 ? `${parts.join('; ')}.` : ''
}

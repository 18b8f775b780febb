import type { ComponentChildren } from 'preact'
import type { JobId } from '../../../shared/work/job-key.ts'
import type { Answer } from '../../api/call.ts'
import { Link } from '../../parts/controls.tsx'
import { Name } from '../../parts/name.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Ago, Span } from '../../parts/times.tsx'
import { Status } from '../../parts/values.tsx'
import { addressOf, addressOfJob, canBeFound, query, scopeNames } from '../../state/address.ts'
import { isCompact, isNarrow } from '../../state/narrow.ts'
import { thatYouSee } from '../../state/session.ts'
import { filterIn } from './filter-bar.tsx'

export type ListedJob = Answer<'listJobs'>[number]

interface JobTableProps {
  jobs: readonly ListedJob[]
  selected: ReadonlySet<JobId>
  onSelect: (ids: ReadonlySet<JobId>) => void
}

/** A page of jobs: a table, or two lines a job where the screen is narrow. Rows stay where they are until somebody asks for another page. */
export function JobTable({ jobs, selected, onSelect }: JobTableProps) {
  if (jobs.length === 0)
    return <p class="empty">No job{thatYouSee()} matches. Remove a filter, or look at another page.</p>
  const toggle = (ids: readonly JobId[], isChosen: boolean) => {
    const next = new Set(selected)
    for (const id of ids) isChosen ? next.add(id) : next.delete(id)
    onSelect(next)
  }
  const choose = ({ id }: ListedJob) => (
    <Tick>
      <input
        type="checkbox"
        aria-label={`Select job ${id}`}
        checked={selected.has(id)}
        onChange={({ currentTarget }) => toggle([id], currentTarget.checked)}
      />
    </Tick>
  )
  const all = (
    <input
      key="all"
      type="checkbox"
      aria-label="Select all jobs of this page"
      checked={jobs.every(({ id }) => selected.has(id))}
      onChange={({ currentTarget }) =>
        toggle(
          jobs.map(({ id }) => id),
          currentTarget.checked,
        )
      }
    />
  )
  if (isNarrow.value) return <Lines jobs={jobs} choose={choose} all={all} />
  return (
    <Rows
      label="Jobs"
      rows={jobs}
      columns={[[<Tick key="all">{all}</Tick>, choose], ...(isCompact.value ? compactColumns : columns)]}
      keyOf={({ id }) => id}
      attributesOf={({ id }) => ({ 'aria-selected': selected.has(id) })}
      hasOwnLines
    />
  )
}

/** A box with room around it that ticks it, too: 16 pixels are small for a thumb. */
const Tick = ({ children }: { children: ComponentChildren }) => (
  // biome-ignore lint/a11y/noLabelWithoutControl: the box is a part of it, and has its name
  <label class="tick">{children}</label>
)

interface LinesProps {
  jobs: readonly ListedJob[]
  choose: (job: ListedJob) => ComponentChildren
  all: ComponentChildren
}

const Lines = ({ jobs, choose, all }: LinesProps) => (
  <>
    {/* biome-ignore lint/a11y/noLabelWithoutControl: the box is a part of it */}
    <label class="switch">{all} all of this page</label>
    <ul class="plain lines" aria-label="Jobs">
      {jobs.map((job) => (
        <li key={job.id}>
          {choose(job)}
          <div>
            <p>
              <Link to={addressOfJob(job.id, job.domain)}>{job.id}</Link> <b>{job.job_type}</b>
              <span class="end">
                <Status of={job.status ?? ''} native={job.native_state} />
              </span>
            </p>
            <p class="faint">
              <span>
                {job.domain}/{job.queue}
                {job.error_code && ` · ${job.error_code}`}
                {job.error_message && ` · ${job.error_message}`}
              </span>
              <span class="end">
                <Ago at={job.completed_at ?? job.created_at} />
              </span>
            </p>
          </div>
        </li>
      ))}
    </ul>
  </>
)

interface SameProps {
  /** What the list is filtered by when the cell is pressed, beside what it is filtered by. */
  by: Readonly<Record<string, string | null | undefined>>
  children: ComponentChildren
}

/** A cell that filters the list by what it says, where that finds it. */
function Same({ by, children }: SameProps) {
  const params = query.value
  const fields = Object.entries(by).map(([name, value]) => [name, value ?? ''] as const)
  if (
    !fields.every(([name, value]) => (scopeNames.some((one) => one === name) ? canBeFound(value) : value.trim() !== ''))
  )
    return <>{children}</>
  const to = addressOf('/jobs', {
    ...filterIn(params),
    ...Object.fromEntries(fields),
    sort: params.get('sort') ?? undefined,
  })
  return (
    <Link to={to} class="same">
      {children}
    </Link>
  )
}

/** How long the last attempt took, or takes. */
function Duration({ job: { status, started_at, acquired_at, completed_at } }: { job: ListedJob }) {
  const began = started_at ?? acquired_at
  if (!began || status === 'queued') return null
  if (status === 'processing') return <Span since={began} />
  const seconds = (Date.parse(completed_at ?? '') - Date.parse(began)) / 1000
  return Number.isFinite(seconds) && seconds >= 0 ? <Span seconds={seconds} /> : null
}

const Attempts = ({ retry_count, max_retries }: ListedJob) => `${retry_count ?? 0}/${max_retries ?? '–'}`

/** What the list has one name for, such as a worker; a press shows its jobs. */
const named = (name: 'worker_id' | 'owner_user_id', job: ListedJob) =>
  job[name] && (
    <Same by={{ [name]: job[name] }}>
      <Name of={job[name]} />
    </Same>
  )

const ofState = ({ status, native_state }: ListedJob) => (
  <Same by={{ status }}>
    <Status of={status ?? ''} native={native_state} />
  </Same>
)

const idColumn: Column<ListedJob> = [
  'Id',
  ({ id, domain }) => <Link to={addressOfJob(id, domain)}>{id}</Link>,
  'number',
]

const placeColumn: Column<ListedJob> = [
  'Queue › type',
  ({ domain, queue, job_type }) => (
    <>
      <Same by={{ domain }}>
        <span class="faint">
          <Name of={domain ?? ''} />/
        </span>
      </Same>
      <Same by={{ domain, queue }}>
        <Name of={queue ?? ''} />
      </Same>{' '}
      <span class="faint" aria-hidden="true">
        ›
      </span>{' '}
      <Same by={{ domain, queue, job_type }}>
        <b>
          <Name of={job_type ?? ''} />
        </b>
      </Same>
    </>
  ),
]

const errorColumn: Column<ListedJob> = [
  'Error',
  ({ error_code, error_message }) => (
    <>
      {error_code && (
        <Same by={{ error_code }}>
          <Name of={error_code} />
        </Same>
      )}
      {error_message && (
        <span class="faint message" title={error_message}>
          {error_message}
        </span>
      )}
    </>
  ),
  'wide',
]

const columns: readonly Column<ListedJob>[] = [
  idColumn,
  ['Status', ofState],
  placeColumn,
  errorColumn,
  ['Retries', Attempts, 'number'],
  ['Took', (job) => <Duration job={job} />, 'number'],
  ['Worker', (job) => named('worker_id', job)],
  ['Owner', (job) => named('owner_user_id', job)],
  ['Created', ({ created_at }) => <Ago at={created_at} />],
  ['Ended', ({ completed_at }) => <Ago at={completed_at} />],
]

/** The same in fewer columns of two lines each. */
const compactColumns: readonly Column<ListedJob>[] = [
  idColumn,
  [
    'Status',
    (job) => (
      <>
        {ofState(job)}
        <span class="faint message">
          {Attempts(job)} <Duration job={job} />
        </span>
      </>
    ),
  ],
  placeColumn,
  errorColumn,
  [
    'Worker, owner',
    (job) => (
      <>
        {named('worker_id', job)}
        <span class="faint message">{named('owner_user_id', job)}</span>
      </>
    ),
  ],
  [
    'Created, ended',
    ({ created_at, completed_at }) => (
      <>
        <Ago at={created_at} />
        <span class="faint message">
          <Ago at={completed_at} absent="" />
        </span>
      </>
    ),
  ],
]

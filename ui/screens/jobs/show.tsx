import { Fragment } from 'preact'
import { useState } from 'preact/hooks'
import { escapedJson } from '../../../shared/text/escape.ts'
import { type JobId, listedJobId } from '../../../shared/work/job-key.ts'
import { type Answer, call } from '../../api/call.ts'
import { Act } from '../../parts/act.tsx'
import { Link, Select } from '../../parts/controls.tsx'
import { Name } from '../../parts/name.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Reasons } from '../../parts/reasons.tsx'
import { Ago, Freshness } from '../../parts/times.tsx'
import { Facts, Json, Status } from '../../parts/values.tsx'
import { addressOf, canBeFound, navigate, query, useDetail } from '../../state/address.ts'
import { useLoad, usePolling } from '../../state/calls.ts'
import { can, domainBeside, whyOnlyLooking } from '../../state/engine.ts'
import { may } from '../../state/session.ts'
import { changesFor } from '../change/kinds.ts'
import { JobError } from './error.tsx'
import { keyField } from './filter-bar.tsx'
import { Related } from './related.tsx'
import { Timeline } from './timeline.tsx'
import { Value } from './value.tsx'

/**
 * One job. The questions, in this order: what is it, and how is it? Why did it fail, and is it alone in that? What happened when, and who did
 * it? What was it given, and what came of it? What does it wait for? What can I do?
 *
 * - above: `mail › high › receipt   failed 1 min ago   attempt 3 of 3   [Retry…] [Edit and retry…] [More…]`
 * - left: the error with its stack and the number of those like it; what happened, a line a step; payload and result side by side
 * - right: owner, key, batch; what it waits for as a picture; why it does not run; when it was read; all columns, folded
 */
export type Job = Answer<'showJob'>

/** A column of the row as text; blank where it has none. */
export const textOf = (job: Job, name: string): string => {
  const value = job[name]
  return value === null || value === undefined ? '' : String(value)
}

/** One job with all that belongs to it. Values that look secret are masked until somebody reveals them. */
export function ShowJob({ id }: { id: string }) {
  const [isRevealed, setRevealed] = useState(false)
  const domain = query.value.get('domain') || undefined
  const loaded = useLoad(JSON.stringify([id, domain, isRevealed]), async (signal) => ({
    job: await call('showJob', { id, domain, redact: String(!isRevealed) }, { signal }),
    isMasked: !isRevealed,
  }))
  const { data: shown, problem, reload } = loaded
  const job = shown?.job
  // Each reading of what is revealed is an event: only what is masked is read again by itself.
  const follows = !isRevealed && (job?.status === 'queued' || job?.status === 'processing') && !job.archived
  usePolling(follows, loaded)
  useDetail(job?.status ?? '')
  // What was revealed is gone at once, also where the server does not answer.
  const isShown = isRevealed || shown?.isMasked
  return (
    <>
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {job && (
        <>
          <Head job={job} />
          <div class="columns">
            <div>
              {isShown && <JobError job={job} />}
              <Timeline job={job} />
              {isShown && <Values job={job} isRevealed={isRevealed} onReveal={setRevealed} />}
              {isShown && <Attachments job={job} />}
            </div>
            <aside aria-label="About the job">
              <About job={job} />
              <Related job={job} />
              {!job.archived && can('explain') && <Why id={id} domain={domain} status={job.status ?? ''} />}
              <p class="faint">
                <Freshness {...loaded} isLoading={loaded.isLoading && !follows} />
              </p>
              {isShown && <Columns job={job} />}
            </aside>
          </div>
        </>
      )}
    </>
  )
}

const endOf = (job: Job): string =>
  ['completed_at', 'cancelled_at', 'quarantined_at'].map((name) => textOf(job, name)).find((at) => at !== '') ?? ''

/** Since when the job is as it is. */
const sinceOf = (job: Job): string => {
  if (job.status === 'processing') return textOf(job, 'acquired_at') || textOf(job, 'started_at')
  return job.status === 'queued' ? textOf(job, 'created_at') : endOf(job)
}

/** Where the job belongs, how it is and since when, its attempts, and what can be done with it. */
function Head({ job }: { job: Job }) {
  const { domain, queue, job_type, status } = job
  const native = job.native_state
  return (
    <div class="job-head">
      <span class="crumbs">
        {[domain ?? '', queue ?? '', job_type ?? ''].flatMap((name, at, all) =>
          name ? (
            <Fragment key={at}>
              <Crumb names={all.slice(0, at + 1)} />
              {at < 2 && (
                <>
                  {' '}
                  <span aria-hidden="true">›</span>{' '}
                </>
              )}
            </Fragment>
          ) : (
            []
          ),
        )}
      </span>
      <span>
        <Status of={status ?? ''} native={typeof native === 'string' ? native : null} />{' '}
        {sinceOf(job) && <Ago at={sinceOf(job)} />}
      </span>
      <span class="faint">{attemptOf(job)}</span>
      {job.archived && <span class="chip">in the archive</span>}
      {!job.archived && may('change') && <Acts job={job} />}
    </div>
  )
}

/** A domain, a queue or a job type with the names before it, which leads to what it names where that can be found. */
function Crumb({ names }: { names: readonly string[] }) {
  const [domain, queue, job_type] = names
  const last = names.at(-1) ?? ''
  const text =
    job_type === undefined ? (
      <Name of={last} />
    ) : (
      <b>
        <Name of={last} />
      </b>
    )
  if (!canBeFound(...names)) return text
  const isQueue = queue !== undefined && job_type === undefined
  return <Link to={addressOf(isQueue ? '/queue' : '/jobs', { domain, queue, job_type })}>{text}</Link>
}

/** Which attempt the job is at, or was at last; blank where none has begun. */
function attemptOf(job: Job): string {
  const [retries, most] = [Number(textOf(job, 'retry_count') || 0), Number(textOf(job, 'max_retries') || 0)]
  const hasBegun = textOf(job, 'started_at') !== '' || textOf(job, 'acquired_at') !== ''
  if (textOf(job, 'max_retries') === '' || (!hasBegun && retries === 0)) return ''
  const number = `attempt ${Math.min(retries, most) + 1} of ${most + 1}`
  return job.status === 'queued' ? `${number} is next` : number
}

/** The first ways out of a state, of which the first is the button that is offered. */
const firstActs = ['retry', 'requeue', 'redrive', 'cancel'] as const

/** What can be done with the job as it is now: each is previewed before it is done. */
function Acts({ job }: { job: Job }) {
  const why = whyOnlyLooking()
  if (why !== undefined) return <span class="faint">{why}</span>
  const fits = changesFor([job.status ?? ''])
  const go = (kind: string, more: Readonly<Record<string, string>> = {}) =>
    navigate(addressOf(`/change/${kind}`, { ...selectionOf(job, kind), ...more }))
  const first = firstActs.filter((name) => fits.some(([kind]) => kind === name))
  const others = fits.filter(([kind]) => kind !== 'edit' && !first.some((name) => name === kind))
  const again = job.status === 'failed' || job.status === 'quarantined'
  const isEditable = may('edit') && fits.some(([kind]) => kind === 'edit')
  return (
    <span class="acts">
      {first.map((kind, at) => (
        <Act key={kind} look={at === 0 && kind !== 'cancel' ? 'primary' : undefined} onAct={() => go(kind)}>
          {fits.find(([name]) => name === kind)?.[1].label}…
        </Act>
      ))}
      {isEditable && (
        <Act onAct={() => go('edit', again ? { next: 'retry' } : {})}>{again ? 'Edit and retry…' : 'Edit…'}</Act>
      )}
      {others.length > 0 && (
        <Select
          label="More changes"
          isLabelHidden
          value=""
          options={[['', 'More…'], ...others.map(([kind, { label }]) => [kind, `${label}…`] as const)]}
          onChange={(kind) => kind !== '' && go(kind)}
        />
      )}
    </span>
  )
}

/** The job as the filter of a change; a requeue is of one domain, and so is a key that two schemas may have. */
const selectionOf = ({ id, domain }: { id: JobId; domain: string | null }, kind: string) => ({
  domain: kind === 'requeue' ? (domain ?? undefined) : domainBeside(id, domain),
  ids: listedJobId(id),
})

/** Why the job does not run; what ended as it should needs no reason, and what runs is seen in its head. */
function Why({ id, domain, status }: { id: string; domain: string | undefined; status: string }) {
  const { data, problem, reload } = useLoad(JSON.stringify([id, domain, status]), (signal) =>
    call('explainJob', { id, domain }, { signal }),
  )
  if (problem) return <ProblemNote problem={problem} onRetry={reload} />
  if (!data || data.status === 'completed') return null
  return <Reasons sentence={data.sentence} reasons={data.reasons} place={data.place?.sentence} />
}

/** What else the job is known by. What it shares with other jobs leads to them. */
function About({ job }: { job: Job }) {
  const sharing = (name: string, field = name) => {
    const value = textOf(job, name)
    if (value.trim() === '') return value !== '' && <Name of={value} />
    return (
      <Link to={addressOf('/jobs', { [field]: value })}>
        <Name of={value} />
      </Link>
    )
  }
  const plain = (name: string) => textOf(job, name) !== '' && <Name of={textOf(job, name)} />
  return (
    <section class="card about" aria-label="Known by">
      <Facts
        facts={[
          ['Owner', sharing('owner_user_id')],
          ['Worker', sharing('worker_id')],
          ['Batch', sharing('batch_group')],
          ['Key', sharing(keyField)],
          ['Priority', plain('priority')],
          ['Created', job.created_at ? <Ago key="created" at={textOf(job, 'created_at')} /> : ''],
          [
            'Due',
            job.status === 'queued' && job.available_at ? <Ago key="due" at={textOf(job, 'available_at')} /> : '',
          ],
          ['Reason', plain('cancellation_reason')],
          ['Progress', progressOf(job)],
          ['Uuid', plain('uuid')],
          ['Request', plain('request_id')],
          ['Trace', plain('trace_id')],
        ]}
      />
    </section>
  )
}

const progressOf = (job: Job): string => {
  const percent = textOf(job, 'progress_percent')
  return [percent === '' ? '' : `${percent} %`, textOf(job, 'progress_message')]
    .filter((text) => text !== '')
    .join(', ')
}

interface ValuesProps {
  job: Job
  isRevealed: boolean
  onReveal: (isRevealed: boolean) => void
}

/** What the job was given, and what came of it. */
function Values({ job, isRevealed, onReveal }: ValuesProps) {
  const hidden = job.hidden ?? []
  return (
    <>
      <div class="values">
        <Value title="Payload" value={job.payload ?? null} isHidden={hidden.includes('payload')} filterable />
        <Value
          title="Result"
          value={job.result ?? null}
          isHidden={hidden.includes('result')}
          none="None: no attempt has completed."
        />
      </div>
      {may('payloads') && (
        <p>
          <Act pressed={isRevealed} onAct={() => onReveal(!isRevealed)}>
            {isRevealed ? 'Mask what looks secret' : 'Reveal what looks secret'}
          </Act>{' '}
          <span class="faint">To reveal it is an event.</span>
        </p>
      )}
    </>
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

/** What has a place of its own. */
const apart = new Set([
  ...['payload', 'result', 'dependencies', 'attachments', 'events', 'hidden', 'cluster', 'native_state'],
])

/** The whole row, folded, with the names and the times of the table. */
function Columns({ job }: { job: Job }) {
  const columns = Object.entries(job).filter(([name]) => !apart.has(name))
  const text = (value: unknown): string => {
    if (value === null || value === undefined) return ''
    return typeof value === 'object' ? escapedJson(JSON.stringify(value)) : String(value)
  }
  return (
    <details class="all-columns">
      <summary>All {columns.length} columns</summary>
      <Facts facts={columns.map(([name, value]) => [name, text(value) || <span class="faint">–</span>])} />
    </details>
  )
}

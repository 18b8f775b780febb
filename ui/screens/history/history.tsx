import { useRef } from 'preact/hooks'
import type { History as Answer, Point } from '../../../shared/history/history.ts'
import { wordsOfFlags } from '../../../shared/text/shell.ts'
import { call } from '../../api/call.ts'
import { timeOf } from '../../api/time-of.ts'
import { Copy } from '../../parts/controls.tsx'
import { FilterChips, UnknownParameters } from '../../parts/filter.tsx'
import { FilterBox } from '../../parts/filter-box.tsx'
import type { Filter } from '../../parts/filter-words.ts'
import { ProblemNote } from '../../parts/problem.tsx'
import { addressOf, navigate, query } from '../../state/address.ts'
import { useFiltered } from '../../state/calls.ts'
import { namesOf } from '../../state/names.ts'
import { ByQueue } from './by-queue.tsx'
import { StepChart } from './chart.tsx'
import { MomentTable } from './moment-table.tsx'
import { momentsOf } from './moments.ts'
import { RangeBar, type RangeParams } from './range-bar.tsx'
import { chartsOf, clockOf, type Zone } from './series.ts'

const scopeFields = [
  { name: 'domain', label: 'Domain' },
  { name: 'queue', label: 'Queue' },
  { name: 'job_type', label: 'Job type', also: ['type'] },
]
const names = ['domain', 'queue', 'job_type', 'from', 'to', 'since', 'step', 'zone'] as const

/*
 * The questions of this screen, in their order:
 *   1. When did it begin to fail?           failures in a chart of their own, above the others
 *   2. What was done at that time?          marks and changes, as lines with their names
 *   3. Does more come in than ends?         what ended, what came in, what was leased
 *   4. Does it take longer than before?     waits and runs: the mean, the half, 95 in 100
 *   5. Which queue is it?                   the same in small for each; and which minute: a press leads into it
 */

/** What became of jobs over time. What it shows is in the address: range, step, scope and zone. */
export function History() {
  const params = query.value
  const [domain, queue, job_type, from, to, since, step] = names.map((name) => params.get(name) || undefined)
  const zone: Zone = params.get('zone') === 'local' ? 'local' : 'utc'
  const scope = { domain, queue, job_type }
  const range: RangeParams = { from, to, since, step, zone }
  const request = { ...scope, from, to, step, since }
  const key = JSON.stringify(request)
  const last = useRef<{ key: string; history: Answer } | undefined>(undefined)
  const loaded = useFiltered(key, async (signal) => {
    const before = last.current?.key === key ? last.current.history : undefined
    const history = await call('history', { ...scope, ...(await timesOf(range, signal)), step }, { signal })
    const moments = await momentsOf(history, scope, signal)
    last.current = { key, history }
    return { history, moments, late: before ? lateSteps(before, history) : [] }
  })
  const { data, problem, reload } = loaded
  const show = (fields: Filter) => navigate(addressOf('/history', { ...Object.fromEntries(params), ...fields }))
  const filter = { fields: scopeFields, filter: scope, onChange: show }
  return (
    <>
      <UnknownParameters known={names} />
      <section class="filter chips" aria-label="Filter">
        <FilterChips {...filter} />
        <FilterBox {...filter} example="domain:mail queue:high" valuesOf={namesOf} />
        <Copy text={commandOf(request)}>Copy as jobsctl</Copy>
      </section>
      <RangeBar {...{ range, loaded }} shown={data?.history} onChange={show} />
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {data && <Notes history={data.history} late={data.late} zone={zone} />}
      {data && data.history.since !== null && (
        <>
          {chartsOf(data.history).map((chart) => (
            <StepChart key={chart.title} {...{ chart, zone }} history={data.history} moments={data.moments.moments} />
          ))}
          {queue === undefined && !data.history.of_jobs && <ByQueue {...{ domain, job_type }} history={data.history} />}
          <MomentTable {...data.moments} zone={zone} />
        </>
      )}
    </>
  )
}

/** The times of a request; without them the server answers the last 24 hours. */
async function timesOf({ from, to, since }: RangeParams, signal: AbortSignal) {
  const begin = from ?? since
  return { from: begin && (await timeOf(begin, signal)), to: to && (await timeOf(to, signal)) }
}

/**
 * The steps that were over when they were loaded, and have changed since. A transaction that commits late changes the minute in which it
 * began.
 */
function lateSteps(before: Answer, now: Answer): Point[] {
  // The last step may go on.
  const known = new Map(before.points.slice(0, -1).map((point) => [point.at, JSON.stringify(point)]))
  return now.points.filter((point) => (known.get(point.at) ?? JSON.stringify(point)) !== JSON.stringify(point))
}

/** The command that prints the same. */
function commandOf({ domain, queue, job_type, from, to, since, step }: Filter): string[] {
  const flags = { '--domain': domain, '--queue': queue, '--job-type': job_type, '--since': from ?? since }
  const words = wordsOfFlags({ ...flags, '--until': to, '--step': step })
  return ['jobsctl', 'history', ...words]
}

interface NotesProps {
  history: Answer
  /** The steps that have changed after they were over, since this was loaded before. */
  late: readonly Point[]
  zone: Zone
}

/** The most times that one sentence names. */
const mostNamed = 5

const listed = (texts: readonly string[]): string =>
  texts.length > mostNamed
    ? `${texts.slice(0, mostNamed).join(', ')}, and ${(texts.length - mostNamed).toLocaleString('en')} more`
    : texts.join(', ')

/** What keeps the numbers of a history from being whole, and what to do about it. */
function Notes({ history, late, zone }: NotesProps) {
  const { kept, why, since, from, gaps, of_jobs } = history
  const clock = (time: string) => clockOf(time, zone)
  if (of_jobs) return <NotesOnJobs {...{ history, of_jobs, clock }} />
  const spans = gaps.map((gap) => `from ${clock(gap.from)} to ${clock(gap.to)}`)
  return (
    <div role="status">
      {!kept && <NotKept why={why ?? ''} />}
      {since !== null && Date.parse(since) > Date.parse(from) && <p class="faint">History began at {clock(since)}.</p>}
      {spans.length > 0 && <p class="note care">Nothing was counted {listed(spans)}.</p>}
      {late.length > 0 && (
        <p class="note care">
          {late.length === 1 ? 'A step that was over has' : `${late.length} steps that were over have`} changed since
          the last refresh, because a transaction committed late: {listed(late.map(({ at }) => clock(at)))}.
        </p>
      )}
    </div>
  )
}

interface NotesOnJobsProps {
  history: Answer
  of_jobs: NonNullable<Answer['of_jobs']>
  clock: (time: string) => string
}

/** What is to be known of a history of the jobs that are still there. */
const NotesOnJobs = ({ history: { why, since, from }, of_jobs: { not_told, not_read }, clock }: NotesOnJobsProps) => (
  <div role="status">
    <p class="faint">
      {why}. Not known: {not_told.join(', ')}.
    </p>
    {since !== null && Date.parse(since) > Date.parse(from) && (
      <p class="note care">
        Before {clock(since)} the numbers are lower bounds: jobs that ended earlier may have been deleted.
      </p>
    )}
    {not_read && (
      <p class="note care">
        From {clock(not_read.from)} to {clock(not_read.to)} nothing was read: a history reads at most 300,000 jobs.
      </p>
    )}
  </div>
)

const NotKept = ({ why }: { why: string }) => (
  <div class="note care">
    <p>Not every change is counted now: {why}.</p>
    <p class="hint">
      Start a server of this database with <code>JOBS_HISTORY=on</code>, and look with <code>jobsctl doctor</code>.
    </p>
  </div>
)

import { useRef } from 'preact/hooks'
import type { History as Answer, Point } from '../../../shared/history/history.ts'
import { commandLine } from '../../../shared/shell.ts'
import { call } from '../../api/call.ts'
import { timeOf } from '../../api/time-of.ts'
import { Copy } from '../../parts/copy.tsx'
import { AddFilter, type Filter, FilterChips } from '../../parts/filter.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { UnknownParameters } from '../../parts/unknown-parameters.tsx'
import { addressOf, navigate, query } from '../../state/address.ts'
import { useLoad } from '../../state/load.ts'
import { Chart } from './chart.tsx'
import type { Zone } from './clock.ts'
import { momentsOf } from './marks.ts'
import { MomentTable } from './moment-table.tsx'
import { Notes } from './notes.tsx'
import { RangeBar, type RangeParams } from './range-bar.tsx'
import { chartsOf } from './series.ts'

const scopeFields = [
  { name: 'domain', label: 'Domain' },
  { name: 'queue', label: 'Queue' },
  { name: 'job_type', label: 'Job type' },
]
const names = ['domain', 'queue', 'job_type', 'from', 'to', 'since', 'step', 'zone'] as const

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
  const { data, problem, isLoading, reload } = useLoad(key, async (signal) => {
    const before = last.current?.key === key ? last.current.history : undefined
    const history = await call('history', { ...scope, ...(await timesOf(range, signal)), step }, { signal })
    const moments = await momentsOf(history, scope, signal)
    last.current = { key, history }
    return { history, moments, late: before ? lateSteps(before, history) : [] }
  })
  const show = (fields: Filter) => navigate(addressOf('/history', { ...Object.fromEntries(params), ...fields }))
  const filter = { fields: scopeFields, filter: scope, onChange: show }
  return (
    <>
      <UnknownParameters names={[...params.keys()].filter((name) => !names.some((known) => known === name))} />
      <section class="filter chips" aria-label="Filter">
        <FilterChips {...filter} />
        <AddFilter {...filter} />
        <Copy text={commandLine(commandOf(request))}>Copy as jobsctl</Copy>
      </section>
      <RangeBar {...{ range, isLoading }} shown={data?.history} onRefresh={reload} onChange={show} />
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {data && <Notes history={data.history} late={data.late} zone={zone} />}
      {data && data.history.since !== null && (
        <>
          {chartsOf(data.history).map((chart) => (
            <Chart key={chart.title} {...{ chart, zone }} history={data.history} moments={data.moments.moments} />
          ))}
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
  const words = Object.entries({ ...flags, '--until': to, '--step': step }).flatMap(([flag, value]) =>
    value === undefined ? [] : [flag, value],
  )
  return ['jobsctl', 'history', ...words]
}

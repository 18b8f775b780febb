import { call } from '../../api/call.ts'
import { barOf, Labels, roundUp } from '../../parts/chart.tsx'
import { Link } from '../../parts/controls.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Clock, spanText } from '../../parts/times.tsx'
import { addressOf, navigate, query } from '../../state/address.ts'
import { useLoad } from '../../state/calls.ts'
import { can, engines } from '../../state/engine.ts'
import { overview } from '../../state/overview.ts'
import { clock, serverNow } from '../../state/page.ts'
import { momentsOf } from '../history/moments.ts'

/** The spans that are offered, with the hours and the step of each. */
const spans = [
  ['1h', 1, '1m'],
  ['6h', 6, '5m'],
  ['24h', 24, '15m'],
  ['7d', 168, '1h'],
] as const
const preset = '6h'

/** The height of the chart in its own units; the jobs that ended are the lower part of it. */
const [height, endedHeight] = [100, 40]

/**
 * The band of time: how many jobs waited, how many failed, and what was marked and changed. A press on it goes to that moment, of which
 * everything below is then.
 */
export function Band({ domain }: { domain: string | undefined }) {
  const params = query.value
  const [span, hours, step] = spans.find(([name]) => name === (params.get('span') ?? preset)) ?? spans[1]
  const words = Object.fromEntries(params)
  const minute = Math.floor(clock.value / 60_000)
  // Where end times cannot be read fast, the page says so below the queues, and nobody walks the table each minute.
  const isRead = overview.value?.rates_of !== null
  const { data, problem, reload } = useLoad(JSON.stringify([span, domain, minute, isRead]), async (signal) => {
    if (!isRead) return undefined
    const from = new Date(serverNow() - 3_600_000 * hours).toISOString()
    const history = await call('history', { domain, from, step, depth: 'true' }, { signal })
    // A page that was hidden meanwhile asks nothing more.
    const scope = { domain, queue: undefined, job_type: undefined }
    return { history, moments: document.hidden ? [] : (await momentsOf(history, scope, signal)).moments }
  })
  if (!can('history') || !isRead) return null
  return (
    <section aria-label="The last hours">
      <div class="bar head">
        <h2>
          The last {span === '1h' ? 'hour' : span === '7d' ? '7 days' : `${hours} hours`}{' '}
          <span class="faint">click for the past</span>
        </h2>
        <span class="act switch">
          {spans.map(([name]) => (
            <Link
              key={name}
              to={addressOf('/', { ...words, span: name === preset ? undefined : name })}
              current={name === span}
            >
              {name.replace(/(\d+)/, '$1 ')}
            </Link>
          ))}
        </span>
      </div>
      {problem && !data && <ProblemNote problem={problem} onRetry={reload} />}
      {data ? (
        <Chart {...data} at={params.get('at') ?? undefined} words={words} />
      ) : (
        <div class="band" aria-busy="true" />
      )}
    </section>
  )
}

type Read = {
  history: Awaited<ReturnType<typeof call<'history'>>>
  moments: Awaited<ReturnType<typeof momentsOf>>['moments']
}

function Chart({ history, moments, at, words }: Read & { at: string | undefined; words: Record<string, string> }) {
  const { points } = history
  const [from, to] = [Date.parse(history.from), Date.parse(history.to)]
  const depths = points.map(({ depth }) => (depth ? depth.queued + depth.processing : null))
  const failed = points.map((point) => point.failed + point.quarantined)
  // The step that goes on has not all of its jobs yet.
  const done = points.map(({ completed }, nth) => (nth === points.length - 1 ? null : completed))
  const isTold = !history.of_jobs?.not_told.includes('completed')
  const mostDepth = roundUp(Math.max(1, ...depths.map((depth) => depth ?? 0)), true)
  const mostFailed = Math.max(1, ...failed)
  const mostDone = Math.max(0, ...done.map((jobs) => jobs ?? 0))
  // Both have one scale: the lower part of the chart.
  const mostEnded = Math.max(mostDone, mostFailed)
  const sum = (numbers: readonly (number | null)[]) =>
    numbers.reduce<number>((all, one) => all + (one ?? 0), 0).toLocaleString('en')
  const hasDepth = depths.some((depth) => depth !== null)
  const partOf = (time: string) => (Date.parse(time) - from) / (to - from)
  const leftOf = (time: string) => `${100 * partOf(time)}%`
  const shownAt =
    at === undefined ? points.length - 1 : points.findLastIndex((point) => Date.parse(point.at) <= Date.parse(at))
  const go = (nth: number) => {
    const point = points[nth]
    if (point) navigate(addressOf('/', { ...words, at: point.at }))
  }
  return (
    <figure class="band">
      <Labels moments={moments} partOf={partOf} />
      <div class="plot">
        <svg
          role="img"
          aria-label={`${hasDepth ? `At most ${mostDepth.toLocaleString('en')} jobs waited or ran. ` : ''}${isTold ? `${sum(done)} were completed. ` : ''}${sum(failed)} failed.`}
          viewBox={`0 0 ${points.length} ${height}`}
          preserveAspectRatio="none"
        >
          <path
            class="grid"
            d={`M0 .5h${points.length}M0 ${height / 2}h${points.length}M0 ${height - 0.5}h${points.length}`}
          />
          {hasDepth && <path class="area" d={areaOf(depths, mostDepth)} />}
          {hasDepth && <path class="line" d={lineOf(depths, mostDepth)} />}
          <path class="bad" d={barsOf(failed, mostEnded)} />
          {isTold && <path class="line done" d={lineOf(done, (mostEnded * height) / endedHeight)} />}
        </svg>
        {moments.map((moment) => (
          <i
            key={`${moment.at}${moment.text}`}
            class={moment.operation === undefined ? 'mark' : 'change'}
            style={{ left: leftOf(moment.at) }}
          />
        ))}
        {at !== undefined && Date.parse(at) >= from && <i class="now" style={{ left: leftOf(at) }} />}
        <input
          type="range"
          min={0}
          max={points.length - 1}
          value={shownAt}
          aria-label="Show a moment of the past"
          aria-valuetext={at === undefined ? 'now' : at}
          onChange={({ currentTarget }) => go(Number(currentTarget.value))}
        />
      </div>
      {hasDepth && (
        <div class="ticks faint" aria-hidden="true">
          <span>{short(mostDepth)}</span>
          <span>{short(mostDepth / 2)}</span>
          <span>0</span>
        </div>
      )}
      <figcaption class="axis faint">
        {[0, 0.25, 0.5, 0.75, 1].map((part) => (
          <Clock key={part} at={new Date(from + part * (to - from)).toISOString()} />
        ))}
      </figcaption>
      <ul class="legend faint">
        {hasDepth && <li class="active">waiting and running</li>}
        {isTold && (
          <li class="good">
            completed, at most {mostDone.toLocaleString('en')} in {spanText(history.step_seconds)}
          </li>
        )}
        <li class="bad">
          failed, at most {Math.max(0, ...failed).toLocaleString('en')} in {spanText(history.step_seconds)}
        </li>
      </ul>
      {!hasDepth && <p class="faint">How many jobs waited is not known for this time: {whyNoDepth(history.of_jobs)}</p>}
      {history.why !== null && (
        <p class="faint">
          {history.of_jobs ? 'Failures are those of the jobs still there. ' : ''}
          {history.why}
        </p>
      )}
    </figure>
  )
}

/** Depths are written once a minute into a table of ours. */
const whyNoDepth = (ofJobs: Read['history']['of_jobs']): string =>
  ofJobs && engines.value.every(({ mode }) => mode === 'look')
    ? 'it is written once a minute where the server keeps records (jobs-server migrate --engine).'
    : 'it is written once a minute from when a server of this version runs.'

const short = (number: number): string =>
  number >= 10_000 ? `${Math.round(number / 1000)}k` : number.toLocaleString('en')

/** The line of numbers, which is broken where one is not known. */
function lineOf(numbers: readonly (number | null)[], most: number): string {
  let pen = 'M'
  return numbers
    .map((number, at) => {
      if (number === null) {
        pen = 'M'
        return ''
      }
      const d = `${pen}${at + 0.5} ${(height - (height * number) / most).toFixed(1)}`
      pen = 'L'
      return d
    })
    .join('')
}

const areaOf = (numbers: readonly (number | null)[], most: number): string =>
  numbers
    .map((number, at) =>
      number === null ? '' : `M${at} ${height}h1V${(height - (height * number) / most).toFixed(1)}h-1z`,
    )
    .join('')

const barsOf = (numbers: readonly number[], most: number): string =>
  numbers
    .map((number, at) => (number === 0 ? '' : barOf(at, height, Math.max(1.5, (endedHeight * number) / most))))
    .join('')

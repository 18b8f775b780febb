import type { Answer } from '../../api/call.ts'
import { Chart, type Layer, partWithin } from '../../parts/chart.tsx'
import { roundUp } from '../../parts/round.ts'
import { Clock, spanText } from '../../parts/times.tsx'
import { addressOf, navigate } from '../../state/address.ts'
import { engines } from '../../state/engine.ts'
import type { Moment } from '../history/moments.ts'

/** The height of the chart and of its lowest bar in its own units, and the part of the height that is of jobs that ended. */
const [height, leastBar, partOfEnded] = [100, 1.5, 0.4]

interface BandChartProps {
  history: Answer<'history'>
  moments: readonly Moment[]
  /** The moment of the past that is shown. */
  at: string | undefined
  /** The parameters of the address. */
  words: Readonly<Record<string, string>>
}

/** How many jobs waited, how many were completed and failed, and what happened: a press on a step goes to that moment. */
export function BandChart({ history, moments, at, words }: BandChartProps) {
  const { points } = history
  const depths = points.map(({ depth }) => (depth ? depth.queued + depth.processing : null))
  const failed = points.map((point) => point.failed + point.quarantined)
  // The step that goes on has not all of its jobs yet.
  const done = points.map(({ completed }, nth) => (nth === points.length - 1 ? null : completed))
  const isTold = !history.of_jobs?.not_told.includes('completed')
  const [mostFailed, mostDone] = [highest(failed), highest(done)]
  const mostDepth = roundUp(Math.max(1, highest(depths)), true)
  // What ended has one scale: the lower part of the chart.
  const mostEnded = Math.max(1, mostDone, mostFailed) / partOfEnded
  const hasDepth = depths.some((depth) => depth !== null)
  const depth = { label: 'waiting and running', tone: 'active', numbers: depths, most: mostDepth } as const
  const layers: Layer[] = [
    ...(hasDepth ? [{ ...depth, shape: 'area' } as const, { ...depth, shape: 'line' } as const] : []),
    { label: 'failed', shape: 'bars', tone: 'bad', numbers: failed, most: mostEnded },
    ...(isTold ? [{ label: 'completed', shape: 'line', tone: 'good', numbers: done, most: mostEnded } as const] : []),
  ]
  const shownAt =
    at === undefined ? points.length - 1 : points.findLastIndex((point) => Date.parse(point.at) <= Date.parse(at))
  const go = (nth: number) => {
    const point = points[nth]
    if (point) navigate(addressOf('/', { ...words, at: point.at }))
  }
  const step = spanText(history.step_seconds)
  return (
    <figure class="chart band">
      <Chart
        label={`${hasDepth ? `At most ${number(highest(depths))} jobs waited or ran. ` : ''}${isTold ? `${number(sumOf(done))} were completed. ` : ''}${number(sumOf(failed))} failed.`}
        from={history.from}
        to={history.to}
        {...{ layers, moments }}
        height={height}
        leastBar={leastBar}
        ticks={hasDepth ? [mostDepth, mostDepth / 2, 0].map(short) : undefined}
        timeText={(time) => <Clock at={new Date(time).toISOString()} />}
      >
        {at !== undefined && Date.parse(at) >= Date.parse(history.from) && (
          <i class="now" style={{ left: `${100 * partWithin(history, at)}%` }} />
        )}
        <input
          type="range"
          min={0}
          max={points.length - 1}
          value={shownAt}
          aria-label="Show a moment of the past"
          aria-valuetext={at === undefined ? 'now' : at}
          onChange={({ currentTarget }) => go(Number(currentTarget.value))}
        />
      </Chart>
      <ul class="legend faint">
        {hasDepth && <li class="active">waiting and running</li>}
        {isTold && (
          <li class="good">
            completed, at most {number(mostDone)} in {step}
          </li>
        )}
        <li class="bad">
          failed, at most {number(mostFailed)} in {step}
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
const whyNoDepth = (ofJobs: Answer<'history'>['of_jobs']): string =>
  ofJobs && engines.value.every(({ mode }) => mode === 'look')
    ? 'it is written once a minute where the server keeps records (jobs-server migrate --engine).'
    : 'it is written once a minute from when a server of this version runs.'

const number = (count: number): string => count.toLocaleString('en')

const short = (count: number): string => (count >= 10_000 ? `${Math.round(count / 1000)}k` : number(count))

const highest = (numbers: readonly (number | null)[]): number => Math.max(0, ...numbers.map((one) => one ?? 0))

const sumOf = (numbers: readonly (number | null)[]): number => numbers.reduce<number>((sum, one) => sum + (one ?? 0), 0)

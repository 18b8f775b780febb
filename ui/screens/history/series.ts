import type { History, Point } from '../../../shared/history/history.ts'
import { mostOf } from '../../../shared/history/most-of.ts'
import { spanText } from '../../parts/time.tsx'

/** What a colour says, as everywhere; `plain` says nothing. */
type Tone = 'plain' | 'good' | 'active' | 'care' | 'bad' | 'none'

/** One part of the bars of a chart. */
export interface Series {
  label: string
  tone: Tone
  /** How high its part of the bar of a step is, in units of the chart. */
  height: (point: Point) => number
  /** The same in words. */
  text: (point: Point) => string
}

/** A chart of one bar for each step. */
export interface ChartOf {
  title: string
  series: readonly Series[]
  /** How high the chart is at least, in its units. */
  least: number
  /** The height of a bar in words. */
  axis: (height: number) => string
  /** True where the bars are numbers of jobs, which have a sum. */
  isCount: boolean
}

type CountName = Exclude<keyof Point, 'at' | 'wait' | 'run'>

const count = (label: CountName, tone: Tone): Series => ({
  ...{ label, tone },
  height: (point) => point[label],
  text: (point) => point[label].toLocaleString('en'),
})

const countChart = (title: string, series: readonly Series[]): ChartOf => ({
  ...{ title, series, least: 1, isCount: true },
  axis: (height) => `${height.toLocaleString('en')} ${height === 1 ? 'job' : 'jobs'}`,
})

/** Bars of times have a step for each bound, from a tenth of a second to a day: as lengths they could not be compared. */
function timeChart(title: string, { bounds }: History, name: 'wait' | 'run'): ChartOf {
  const boundOf = (point: Point) => mostOf(point[name], bounds)
  const textAt = (height: number) =>
    height > bounds.length ? `> ${boundText(bounds.at(-1) ?? 0)}` : boundText(bounds[height - 1] ?? 0)
  const heightOf = (point: Point) => {
    const bound = boundOf(point)
    if (bound === undefined) return 0
    return bound === Number.POSITIVE_INFINITY ? bounds.length + 1 : bounds.indexOf(bound) + 1
  }
  const text = (point: Point) => {
    const height = heightOf(point)
    return height === 0 ? '–' : `${textAt(height)} (${point[name].jobs.toLocaleString('en')} jobs)`
  }
  const series = [{ label: '95 in 100 took at most', tone: 'plain', height: heightOf, text }] as const
  return { title, series, least: 1, isCount: false, axis: textAt }
}

const boundText = (seconds: number): string => (seconds < 1 ? `${1000 * seconds} ms` : spanText(seconds))

/** All charts of a history, in their order. */
export const chartsOf = (history: History): ChartOf[] => [
  countChart('Ended', [
    count('completed', 'good'),
    count('failed', 'bad'),
    count('quarantined', 'care'),
    count('cancelled', 'none'),
  ]),
  countChart('Came in', [
    count('created', 'plain'),
    count('returned', 'care'),
    count('revived', 'active'),
    count('restored', 'none'),
  ]),
  countChart('Leased', [count('acquired', 'active')]),
  // A status that this version does not know, written by another program.
  ...(history.points.some(({ other }) => other > 0) ? [countChart('Other', [count('other', 'none')])] : []),
  timeChart('Waited', history, 'wait'),
  timeChart('Ran', history, 'run'),
]

import type { History, Point } from '../../../shared/history/history.ts'
import { spanText } from '../../parts/times.tsx'

/** In which zone times are written: UTC, or that of the browser. */
export type Zone = 'utc' | 'local'

const minuteMs = 60_000

/**
 * A time to the minute. A local time has its offset from UTC, since an hour comes twice when clocks are set back.
 * @returns such as `2026-10-25 00:30`, or `2026-10-25 02:30 +02:00`
 */
export function clockOf(time: string | number, zone: Zone): string {
  const at = new Date(time)
  if (zone === 'utc') return minuteOf(at.getTime())
  const offset = -at.getTimezoneOffset()
  return `${minuteOf(at.getTime() + offset * minuteMs)} ${offsetText(offset)}`
}

const minuteOf = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ')

function offsetText(minutes: number): string {
  const size = Math.abs(minutes)
  const two = (part: number) => String(part).padStart(2, '0')
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`
}

/** A time as a field of a form has it: `2026-10-25T02:30`. */
export const fieldOf = (time: string, zone: Zone): string => clockOf(time, zone).slice(0, 16).replace(' ', 'T')

/** The time of a field of a form, as the API takes it; undefined for an empty field. */
export function timeOf(field: string, zone: Zone): string | undefined {
  const at = new Date(zone === 'utc' ? `${field}Z` : field)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}

/** What a colour says, as everywhere; `plain` says nothing. */
type Tone = 'plain' | 'good' | 'active' | 'care' | 'bad' | 'none'

/** One part of the bars of a chart. */
interface Series {
  label: string
  /** The name of what it shows of a point, where it is not the label. */
  number?: string
  tone: Tone
  /** How high its part of the bar of a step is, or its line, in units of the chart: jobs, or seconds. */
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
  /** True for a line for each series, in place of parts of one bar. */
  isLines?: boolean
}

type CountName = Exclude<keyof Point, 'at' | 'wait' | 'run' | 'depth'>

const count = (label: CountName, tone: Tone): Series => ({
  label,
  tone,
  height: (point) => point[label],
  text: (point) => point[label].toLocaleString('en'),
})

const countChart = (title: string, series: readonly Series[]): ChartOf => ({
  title,
  series,
  least: 1,
  isCount: true,
  axis: (height) => `${height.toLocaleString('en')} ${height === 1 ? 'job' : 'jobs'}`,
})

/** Lines of times: the mean, and the times that 50 and 95 in 100 jobs took at most, which are interpolated within their bounds. */
function timeChart(title: string, { bounds }: History, name: 'wait' | 'run'): ChartOf {
  const line = (label: string, tone: Tone, secondsOf: (of: Point['wait']) => number | undefined): Series => ({
    label,
    number: name,
    tone,
    height: (point) => secondsOf(point[name]) ?? 0,
    text: (point) => {
      const seconds = secondsOf(point[name])
      return seconds === undefined ? '–' : durationText(seconds)
    },
  })
  const series = [
    line('mean', 'none', ({ jobs, seconds }) => (jobs === 0 ? undefined : seconds / jobs)),
    line('half took at most', 'active', (of) => quantileOf(of, bounds, 0.5)),
    line('95 in 100 took at most', 'care', (of) => quantileOf(of, bounds, 0.95)),
  ]
  return { title, series, least: 0.001, isCount: false, isLines: true, axis: durationText }
}

/**
 * The time at or below which a part of the jobs are, in seconds: within the bounds of its bucket in proportion. Above the last bound it is that
 * bound, since nobody knows more.
 */
function quantileOf({ jobs, buckets }: Point['wait'], bounds: readonly number[], part: number): number | undefined {
  if (jobs === 0) return undefined
  const wanted = part * jobs
  let below = 0
  for (const [at, count] of buckets.entries()) {
    if (count > 0 && below + count >= wanted) {
      const [from, to] = [bounds[at - 1] ?? 0, bounds[at] ?? bounds.at(-1) ?? 0]
      return from + (to - from) * ((wanted - below) / count)
    }
    below += count
  }
  return bounds.at(-1)
}

const durationText = (seconds: number): string => {
  if (seconds >= 10) return spanText(Math.round(seconds))
  return seconds < 1 ? `${Math.round(1000 * seconds)} ms` : `${Number(seconds.toFixed(1))} s`
}

/** All charts of a history, in their order, without numbers that the server cannot know. */
export const chartsOf = (history: History): ChartOf[] =>
  allCharts(history)
    .map((chart) => ({
      ...chart,
      series: chart.series.filter(({ label, number = label }) => !history.of_jobs?.not_told.includes(number)),
    }))
    .filter(({ series }) => series.length > 0)

const allCharts = (history: History): ChartOf[] => [
  // Beside a thousand that were completed nobody would see three that failed.
  countChart('Failed', [count('failed', 'bad'), count('quarantined', 'care')]),
  countChart('Ended', [count('completed', 'good'), count('cancelled', 'none')]),
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

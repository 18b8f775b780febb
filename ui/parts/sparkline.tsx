import type { Meaning } from './values.tsx'

/** Numbers that stand on those of the series before, and what they mean. */
type Series = readonly [meaning: Meaning, numbers: readonly (number | null)[]]

interface SparklineProps {
  /** What it shows, in a sentence with its numbers: it is all that a reader of the screen gets. */
  label: string
  series: readonly Series[]
  /** The number that is as high as the chart; the highest of the sums where it is absent. */
  most?: number
}

/** The height of the chart in its own units. */
const height = 20

/** Bars without ticks, in the height of a line of text. */
export function Sparkline({ label, series, most }: SparklineProps) {
  const count = Math.max(0, ...series.map(([, numbers]) => numbers.length))
  const sums = Array.from({ length: count }, (_none, at) =>
    series.reduce((sum, [, numbers]) => sum + (numbers[at] ?? 0), 0),
  )
  const scale = height / Math.max(1, most ?? Math.max(0, ...sums))
  const below = new Array<number>(count).fill(0)
  return (
    <svg
      class="sparkline"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${3 * count} ${height}`}
      preserveAspectRatio="none"
    >
      {series.map(([meaning, numbers]) => {
        const d = numbers.map((number, at) => barOf(at, number ?? 0, below, scale)).join('')
        return <path key={meaning} class={meaning} d={d} />
      })}
    </svg>
  )
}

/** The path of a bar, which raises the floor of the next series. A number above 0 is at least one unit high. */
function barOf(at: number, number: number, below: number[], scale: number): string {
  if (number <= 0) return ''
  const tall = Math.max(1, number * scale)
  const foot = below[at] ?? 0
  below[at] = foot + tall
  return `M${3 * at} ${(height - foot).toFixed(1)}h2v${(-tall).toFixed(1)}h-2z`
}

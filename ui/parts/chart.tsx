import type { ComponentChildren, ComponentProps } from 'preact'
import { useMemo } from 'preact/hooks'
import { personOf } from '../state/people.ts'
import { type Range, timesWithin } from './round.ts'

/** Something that happened at one moment: a mark, or a change that is on record. */
interface Moment {
  at: string
  text: string
  caller: string
  operation: number | undefined
}

/** One way to draw a number for each step; null is a step of which it is not known. */
export interface Layer {
  label: string
  /** Bars stand on those of the layers before. A line and an area end where nothing is known. */
  shape: 'bars' | 'line' | 'area'
  /** What its colour says, as everywhere. */
  tone: string
  numbers: readonly (number | null)[]
  /** The number that is as high as the chart. */
  most: number
}

interface ChartProps {
  /** All that a reader of the screen gets of the picture. */
  label: string
  from: string
  to: string
  layers: readonly Layer[]
  /** How high the picture is in its own units; where it is the `most` of a layer, a unit is one of its numbers. */
  height: number
  /** How high a bar is at least, in these units, so that one job in a thousand is seen. */
  leastBar?: number
  moments: readonly Moment[]
  /** True where the page lists the moments as text, too. */
  isListed?: boolean
  /** What stands beside the top, the middle and the foot; absent where the height has no numbers. */
  ticks?: readonly string[] | undefined
  /** A time below the picture as text, with the one before it. */
  timeText: (time: number, before: number | undefined) => ComponentChildren
  /** How many minutes the clock of these texts is ahead of UTC at a time. */
  aheadAt?: (time: number) => number
  /** What is drawn behind the layers. */
  behind?: ComponentChildren
  /** What lies over the picture. */
  children?: ComponentChildren
  /** What the pointer does on the picture. */
  pointer?: ComponentProps<'div'>
}

/** The chart of every screen: layers of bars, lines and areas over the same steps, what happened as lines across, ticks and times. */
export function Chart(props: ChartProps) {
  const {
    label,
    from,
    to,
    layers,
    height,
    leastBar = 0,
    moments,
    isListed,
    ticks,
    timeText,
    aheadAt = () => 0,
    behind,
    children,
    pointer,
  } = props
  const steps = Math.max(1, ...layers.map(({ numbers }) => numbers.length))
  const partOf = (time: string | number) => partWithin({ from, to }, time)
  const drawn = useMemo(() => pathsOf(layers, height, leastBar), [layers, height, leastBar])
  return (
    <div class="plot">
      <Labels {...{ moments, partOf, isListed }} />
      {ticks && (
        <div class="ticks faint" aria-hidden="true">
          {ticks.map((text, nth) => (
            <span key={nth}>{text}</span>
          ))}
        </div>
      )}
      <div class="picture" {...pointer}>
        <svg role="img" aria-label={label} viewBox={`0 0 ${steps} ${height}`} preserveAspectRatio="none">
          {behind}
          <path class="grid" d={`M0 0h${steps}M0 ${height / 2}h${steps}M0 ${height}h${steps}`} />
          {drawn}
        </svg>
        {moments.map(({ at, text, operation }, nth) => (
          <i
            key={nth}
            class={operation === undefined ? 'mark' : 'change'}
            style={{ left: `${100 * partOf(at)}%` }}
            title={text}
          />
        ))}
        {children}
      </div>
      <div class="axis faint" aria-hidden={isListed}>
        {timesWithin({ from, to }, aheadAt).map((time, nth, all) => (
          <span key={time} class={sideAt(partOf(time))} style={{ left: `${100 * partOf(time)}%` }}>
            {timeText(time, all[nth - 1])}
          </span>
        ))}
      </div>
    </div>
  )
}

/** Where a time is within a range, as a part of the way. */
export const partWithin = ({ from, to }: Range, time: string | number): number =>
  (new Date(time).getTime() - Date.parse(from)) / (Date.parse(to) - Date.parse(from))

/** A time at an end of a chart does not stand out of it. */
const sideAt = (part: number) => (part < 0.08 ? 'first' : part > endFrom ? 'last' : undefined)

/** A path for each layer. A step is one unit wide. */
function pathsOf(layers: readonly Layer[], height: number, leastBar: number): ComponentChildren {
  /** How high the bars of each step are so far. */
  const stacked: number[] = []
  return layers.map(({ label, shape, tone, numbers, most }) => {
    const highOf = (number: number) => (number * height) / most
    const draw = {
      bars: (number: number, at: number) => {
        if (number <= 0) return ''
        const [foot, tall] = [stacked[at] ?? 0, Math.max(leastBar, highOf(number))]
        stacked[at] = foot + tall
        return `M${at + 0.1} ${height - foot - tall}h.8v${tall}h-.8z`
      },
      area: (number: number, at: number) => `M${at} ${height}h1V${height - highOf(number)}h-1z`,
      // A number alone is as wide as its step.
      line: (number: number, at: number) => {
        const y = height - highOf(number)
        return `${(numbers[at - 1] ?? null) === null ? `M${at} ${y}` : ''}L${at + 0.5} ${y}h.5`
      },
    }[shape]
    const d = numbers.map((number, at) => (number === null ? '' : draw(number, at))).join('')
    return <path key={`${label} ${shape}`} class={`${shape} ${tone}`} data-of={label} d={d} />
  })
}

/** The part of the width that the words of a mark need, and from where on they stand before it. */
const roomOfLabel = 0.14
const endFrom = 0.85

interface LabelsProps {
  moments: readonly Moment[]
  /** Where a time is, as a part of the width. */
  partOf: (time: string) => number
  isListed?: boolean | undefined
}

/** The words of the last marks above a chart, the newest first, without those that would stand on those of a later one. */
function Labels({ moments, partOf, isListed }: LabelsProps) {
  let taken = Number.POSITIVE_INFINITY
  const shown = moments
    .filter(({ operation }) => operation === undefined)
    .toReversed()
    .flatMap((moment) => {
      const part = partOf(moment.at)
      const isLeft = part > endFrom
      const begin = isLeft ? part - roomOfLabel : part
      if (part < 0 || part > 1 || begin + roomOfLabel > taken) return []
      taken = begin
      return [{ moment, part, isLeft }]
    })
  if (isListed && shown.length === 0) return null
  return (
    <div class="labels" aria-hidden={isListed}>
      {shown.map(({ moment: { at, text, caller }, part, isLeft }) => (
        <span
          key={at}
          class={isLeft ? 'left' : undefined}
          style={{ left: `${100 * part}%` }}
          title={`${text}, ${at} by ${personOf(caller)}`}
        >
          {text}
        </span>
      ))}
    </div>
  )
}

import { useMemo, useState } from 'preact/hooks'
import type { History, Point } from '../../../shared/history/history.ts'
import { barOf, Labels, roundUp } from '../../parts/chart.tsx'
import { Link } from '../../parts/controls.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { addressOf, navigate, query } from '../../state/address.ts'
import type { Moment } from './moments.ts'
import { type ChartOf, clockOf, type Zone } from './series.ts'

interface ChartProps {
  chart: ChartOf
  history: History
  moments: readonly Moment[]
  zone: Zone
}

/** A chart of one bar for each step, or of lines, with what happened as lines across, and its numbers as a table. A press on a step leads into it. */
export function Chart({ chart, history, moments, zone }: ChartProps) {
  const { points, from, to } = history
  const [at, setAt] = useState<number>()
  const highest = points.reduce((most, point) => Math.max(most, heightOf(chart, point)), 0)
  const placeIn = ({ currentTarget, clientX }: { currentTarget: SVGSVGElement; clientX: number }) => {
    const { left, width } = currentTarget.getBoundingClientRect()
    return Math.floor(((clientX - left) / width) * points.length)
  }
  if (highest === 0)
    return (
      <figure class="chart" aria-label={chart.title}>
        <figcaption>
          <h2>{chart.title}</h2> <span class="faint">{chart.isCount ? 'none in this time' : 'no time is known'}</span>
        </figcaption>
      </figure>
    )
  const most = roundUp(Math.max(highest, chart.least), chart.isCount)
  const point = at === undefined ? undefined : points[at]
  const enter = (event: { currentTarget: SVGSVGElement; clientX: number }) => {
    const entered = points[placeIn(event)]
    if (!entered) return
    const to = history.step_seconds > 60 ? addressWithin(entered.at, history) : jobsOf(chart, entered.at)
    if (to !== undefined) navigate(to)
  }
  return (
    <figure class="chart" aria-label={chart.title}>
      <figcaption>
        <h2>{chart.title}</h2>
        <Legend chart={chart} points={points} />
        <b class="at-point">{point && describePoint(point, chart, zone)}</b>
      </figcaption>
      <Labels moments={moments} partOf={(time) => placeOf(time, history) / points.length} isListed />
      <div class="plot">
        <div class="ticks" aria-hidden="true">
          {[most, most / 2, 0].map((height) => (
            <span key={height}>{chart.isCount ? height.toLocaleString('en') : chart.axis(height)}</span>
          ))}
        </div>
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the table below has the same ways as links */}
        <svg
          viewBox={`0 0 ${points.length} ${most}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${chart.title}: ${chart.isLines ? 'lines' : 'bars'}, whose numbers are in the table below`}
          onPointerMove={(event) => setAt(placeIn(event))}
          onPointerLeave={() => setAt(undefined)}
          onClick={enter}
        >
          <Gaps history={history} most={most} />
          <path class="grid" d={`M0 0h${points.length}M0 ${most / 2}h${points.length}`} />
          {at !== undefined && <rect class="at" x={at} y={0} width={1} height={most} />}
          {chart.isLines ? (
            <Curves chart={chart} points={points} most={most} />
          ) : (
            <Bars chart={chart} points={points} most={most} />
          )}
          <Lines history={history} moments={moments} most={most} />
        </svg>
      </div>
      <div class="faint axis" aria-hidden="true">
        {clocksOf(from, to, zone).map((text, nth) => (
          <span key={nth}>{text}</span>
        ))}
      </div>
      <PointTable {...{ chart, history, zone }} />
    </figure>
  )
}

/** The jobs that a minute of a chart is about: those that failed in it, that ended, or that came; undefined where no filter finds them. */
function jobsOf({ title }: ChartOf, at: string): string | undefined {
  const times = title === 'Came in' ? 'created' : ['Failed', 'Ended', 'Ran'].includes(title) ? 'ended' : undefined
  if (times === undefined) return undefined
  const { domain, queue, job_type } = Object.fromEntries(query.value)
  return addressOf('/jobs', {
    ...{ domain, queue, job_type },
    status: title === 'Failed' ? 'failed,quarantined' : undefined,
    [`${times}_after`]: at,
    [`${times}_before`]: new Date(Date.parse(at) + 60_000).toISOString(),
  })
}

/** Five times at the same distance; the day stands at the ends. */
function clocksOf(from: string, to: string, zone: Zone): string[] {
  const [begin, end] = [Date.parse(from), Date.parse(to)]
  return [0, 1, 2, 3, 4].map((nth) => {
    const text = clockOf(begin + (nth * (end - begin)) / 4, zone)
    return nth % 4 === 0 ? text : text.slice(5, 16)
  })
}

/** Of parts of one bar the sum, and of lines the highest. */
const heightOf = ({ series, isLines }: Pick<ChartOf, 'series' | 'isLines'>, point: Point): number =>
  series.reduce((sum, { height }) => (isLines ? Math.max(sum, height(point)) : sum + height(point)), 0)

/** A line for each series, which ends where nothing is known. */
function Curves({ chart: { series }, points, most }: { chart: ChartOf; points: readonly Point[]; most: number }) {
  return (
    <>
      {series.map(({ label, tone, height }) => {
        const steps = points.map((point, at) => {
          const own = height(point)
          if (own === 0) return ''
          const before = points[at - 1]
          const isFirst = before === undefined || height(before) === 0
          // A point alone is as wide as its step.
          return `${isFirst ? `M${at} ${most - own}` : ''}L${at + 0.5} ${most - own}h.5`
        })
        return <path key={label} class={`curve ${tone}`} data-of={label} d={steps.join('')} />
      })}
    </>
  )
}

const describePoint = (point: Point, { series }: ChartOf, zone: Zone): string =>
  `${clockOf(point.at, zone)}: ${series.map(({ label, text }) => `${label} ${text(point)}`).join(', ')}`

const Legend = ({ chart: { series, isCount }, points }: Pick<ChartProps, 'chart'> & { points: readonly Point[] }) => (
  <ul class="legend">
    {series.map((one) => (
      <li key={one.label} class={one.tone}>
        {one.label}
        {isCount && <b> {points.reduce((sum, point) => sum + one.height(point), 0).toLocaleString('en')}</b>}
      </li>
    ))}
  </ul>
)

/** A path for each part of the bars. A unit of the drawing is a step and a job: the heights are the numbers themselves. */
function Bars({ chart: { series }, points, most }: { chart: ChartOf; points: readonly Point[]; most: number }) {
  const paths = useMemo(
    () =>
      series.map(({ label, tone, height }, nth) => {
        const bars = points.map((point, at) => {
          const own = height(point)
          return own === 0 ? '' : barOf(at, most - heightOf({ series: series.slice(0, nth) }, point), own)
        })
        return <path key={label} class={tone} data-of={label} d={bars.join('')} />
      }),
    [points, most],
  )
  return <>{paths}</>
}

/** The times in which nothing was counted. */
const Gaps = ({ history, most }: { history: History; most: number }) => (
  <>
    {history.gaps.map((gap) => {
      const [x, end] = [placeOf(gap.from, history), placeOf(gap.to, history)]
      return <rect key={gap.from} class="gap" x={x} y={0} width={Math.max(0, end - x)} height={most} />
    })}
  </>
)

const Lines = ({ history, moments, most }: { history: History; moments: readonly Moment[]; most: number }) => (
  <>
    {moments.map((moment, nth) => (
      <line
        key={nth}
        class={moment.operation === undefined ? 'mark' : 'operation'}
        x1={placeOf(moment.at, history)}
        x2={placeOf(moment.at, history)}
        y1={0}
        y2={most}
      >
        <title>{moment.text}</title>
      </line>
    ))}
  </>
)

/** How many steps a time is after the begin. */
const placeOf = (time: string, { from, step_seconds }: History): number =>
  (Date.parse(time) - Date.parse(from)) / 1000 / step_seconds

interface PointTableProps {
  chart: ChartOf
  history: History
  zone: Zone
}

/** The numbers of a chart, written when somebody unfolds them. Each step leads to its own history, in shorter steps. */
function PointTable({ chart, history, zone }: PointTableProps) {
  const [isOpen, setOpen] = useState(false)
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{chart.title} as a table</summary>
      {isOpen && <Numbers {...{ chart, history, zone }} />}
    </details>
  )
}

function Numbers({ chart: { title, series, isCount }, history, zone }: PointTableProps) {
  const points = history.points.filter((point) => series.some(({ height }) => height(point) > 0))
  if (points.length === 0) return <p class="empty">Every step has none.</p>
  return (
    <Rows
      label={`${title}: numbers`}
      rows={points}
      columns={[
        [
          `From (${zone === 'utc' ? 'UTC' : 'local'})`,
          ({ at }) => <Link to={addressWithin(at, history)}>{clockOf(at, zone)}</Link>,
          'row',
        ],
        ...series.map(({ label, text }): Column<Point> => [label, text, isCount ? 'number' : undefined]),
      ]}
      keyOf={({ at }) => at}
    >
      {isCount && (
        <tfoot>
          <tr>
            <th scope="row">All</th>
            {series.map(({ label, height }) => (
              <td key={label} class="number">
                {points.reduce((sum, point) => sum + height(point), 0).toLocaleString('en')}
              </td>
            ))}
          </tr>
        </tfoot>
      )}
    </Rows>
  )
}

/** The history of one step alone. */
function addressWithin(at: string, { step_seconds }: History): string {
  const { since: _since, step: _step, ...rest } = Object.fromEntries(query.value)
  const to = new Date(Date.parse(at) + 1000 * step_seconds).toISOString()
  return addressOf('/history', { ...rest, from: at, to })
}

import { useMemo, useState } from 'preact/hooks'
import type { History, Point } from '../../../shared/history/history.ts'
import { Link } from '../../parts/controls.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { addressOf, query } from '../../state/address.ts'
import type { Moment } from './moments.tsx'
import { type ChartOf, clockOf, type Series, type Zone } from './series.ts'

interface ChartProps {
  chart: ChartOf
  history: History
  moments: readonly Moment[]
  zone: Zone
}

/** A chart of one bar for each step, with what happened as lines, and its numbers as a table. */
export function Chart({ chart, history, moments, zone }: ChartProps) {
  const { points, from, to } = history
  const [at, setAt] = useState<number>()
  const most = mostOfBars(chart, points)
  const follow = ({ currentTarget, clientX }: { currentTarget: SVGSVGElement; clientX: number }) => {
    const { left, width } = currentTarget.getBoundingClientRect()
    setAt(Math.floor(((clientX - left) / width) * points.length))
  }
  const point = at === undefined ? undefined : points[at]
  return (
    <figure class="chart" aria-label={chart.title}>
      <figcaption>
        <h2>{chart.title}</h2>
        <Legend chart={chart} points={points} />
      </figcaption>
      <div class="faint most">{chart.axis(most)}</div>
      <svg
        viewBox={`0 0 ${points.length} ${most}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${chart.title}: bars, whose numbers are in the table below`}
        onPointerMove={follow}
        onPointerLeave={() => setAt(undefined)}
      >
        <Gaps history={history} most={most} />
        {at !== undefined && <rect class="at" x={at} y={0} width={1} height={most} />}
        <Bars chart={chart} points={points} most={most} />
        <Lines history={history} moments={moments} most={most} />
      </svg>
      <div class="faint axis" aria-hidden="true">
        <span>{clockOf(from, zone)}</span>
        {point && <b>{describePoint(point, chart, zone)}</b>}
        <span>{clockOf(to, zone)}</span>
      </div>
      <PointTable {...{ chart, history, zone }} />
    </figure>
  )
}

const mostOfBars = ({ series, least }: ChartOf, points: readonly Point[]): number =>
  points.reduce((most, point) => Math.max(most, heightOf(series, point)), least)

const heightOf = (series: readonly Series[], point: Point): number =>
  series.reduce((sum, { height }) => sum + height(point), 0)

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
          const top = most - heightOf(series.slice(0, nth), point) - own
          return own === 0 ? '' : `M${at + 0.1} ${top}h.8v${own}h-.8z`
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

import { useMemo, useState } from 'preact/hooks'
import type { History, Point } from '../../../shared/history/history.ts'
import { Chart, type Layer } from '../../parts/chart.tsx'
import { Link } from '../../parts/controls.tsx'
import { roundUp, roundUpTime } from '../../parts/round.ts'
import { type Column, Rows } from '../../parts/rows.tsx'
import { addressOf, navigate, query } from '../../state/address.ts'
import type { Moment } from './moments.ts'
import { type ChartOf, clockOf, type Zone } from './series.ts'

interface StepChartProps {
  chart: ChartOf
  history: History
  moments: readonly Moment[]
  zone: Zone
}

/** A chart of one bar for each step, or of lines, with what happened as lines across, and its numbers as a table. A press on a step leads into it. */
export function StepChart({ chart, history, moments, zone }: StepChartProps) {
  const { points, from, to } = history
  const [at, setAt] = useState<number>()
  const layers = useMemo(() => layersOf(chart, points), [chart.title, points])
  const [{ most } = { most: 0 }] = layers
  if (most === 0)
    return (
      <figure class="chart" aria-label={chart.title}>
        <figcaption>
          <h2>{chart.title}</h2> <span class="faint">{chart.isCount ? 'none in this time' : 'no time is known'}</span>
        </figcaption>
      </figure>
    )
  const point = at === undefined ? undefined : points[at]
  const stepAt = ({ currentTarget, clientX }: { currentTarget: Element; clientX: number }) => {
    const { left, width } = currentTarget.getBoundingClientRect()
    return Math.floor(((clientX - left) / width) * points.length)
  }
  const enter = (event: { currentTarget: Element; clientX: number }) => {
    const entered = points[stepAt(event)]
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
      <Chart
        label={`${chart.title}: ${chart.isLines ? 'lines' : 'bars'}, whose numbers are in the table below`}
        {...{ from, to, layers, moments }}
        height={most}
        isListed
        ticks={[most, most / 2, 0].map((height) => (chart.isCount ? height.toLocaleString('en') : chart.axis(height)))}
        timeText={(time, before) => tickText(clockOf(time, zone), before === undefined ? '' : clockOf(before, zone))}
        aheadAt={(time) => (zone === 'local' ? -new Date(time).getTimezoneOffset() : 0)}
        behind={
          <>
            <Gaps history={history} most={most} />
            {at !== undefined && <rect class="at" x={at} y={0} width={1} height={most} />}
          </>
        }
        pointer={{
          onPointerMove: (event) => setAt(stepAt(event)),
          onPointerLeave: () => setAt(undefined),
          onClick: enter,
        }}
      />
      <PointTable {...{ chart, history, zone }} />
    </figure>
  )
}

/** A time below a chart, without the year; its day and its offset from UTC stand where they are others than before. */
function tickText(text: string, before: string): string {
  const [dayBefore, , offsetBefore] = before.split(' ')
  const [day = '', clock, offset] = text.split(' ')
  return [day !== dayBefore && day.slice(5), clock, offset !== offsetBefore && offset].filter(Boolean).join(' ')
}

/** A layer for each series of a chart, all of one scale. Of 0 s nothing is known. */
function layersOf({ series, isLines = false, isCount, least }: ChartOf, points: readonly Point[]): Layer[] {
  const highest = points.reduce((most, point) => {
    const heights = series.map(({ height }) => height(point))
    return Math.max(most, isLines ? Math.max(...heights) : heights.reduce((sum, height) => sum + height, 0))
  }, 0)
  const high = Math.max(highest, least)
  const most = highest === 0 ? 0 : isCount ? roundUp(high, true) : roundUpTime(high)
  return series.map(({ label, tone, height }) => ({
    label,
    tone,
    most,
    shape: isLines ? 'line' : 'bars',
    numbers: points.map((point) => (isLines ? height(point) || null : height(point))),
  }))
}

/** The jobs that a minute of a chart is about: those that failed in it, that ended, or that came; undefined where no filter finds them. */
function jobsOf({ title }: ChartOf, at: string): string | undefined {
  const times = title === 'Came in' ? 'created' : ['Failed', 'Ended', 'Ran'].includes(title) ? 'ended' : undefined
  if (times === undefined) return undefined
  const { domain, queue, job_type } = Object.fromEntries(query.value)
  return addressOf('/jobs', {
    domain,
    queue,
    job_type,
    status: title === 'Failed' ? 'failed,quarantined' : title === 'Ended' ? 'completed,cancelled' : undefined,
    [`${times}_after`]: at,
    [`${times}_before`]: new Date(Date.parse(at) + 60_000).toISOString(),
  })
}

const describePoint = (point: Point, { series }: ChartOf, zone: Zone): string =>
  `${clockOf(point.at, zone)}: ${series.map(({ label, text }) => `${label} ${text(point)}`).join(', ')}`

const Legend = ({
  chart: { series, isCount },
  points,
}: Pick<StepChartProps, 'chart'> & { points: readonly Point[] }) => (
  <ul class="legend">
    {series.map((one) => (
      <li key={one.label} class={one.tone}>
        {one.label}
        {isCount && <b> {points.reduce((sum, point) => sum + one.height(point), 0).toLocaleString('en')}</b>}
      </li>
    ))}
  </ul>
)

/** The times in which nothing was counted. */
const Gaps = ({ history, most }: { history: History; most: number }) => (
  <>
    {history.gaps.map((gap) => {
      const [x, end] = [placeOf(gap.from, history), placeOf(gap.to, history)]
      return <rect key={gap.from} class="gap" x={x} y={0} width={Math.max(0, end - x)} height={most} />
    })}
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

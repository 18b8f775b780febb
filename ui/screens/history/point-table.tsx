import { useState } from 'preact/hooks'
import type { History } from '../../../shared/history/history.ts'
import { Link } from '../../parts/link.tsx'
import { Rows } from '../../parts/rows.tsx'
import { addressOf, query } from '../../state/address.ts'
import { clockOf, type Zone } from './clock.ts'
import type { ChartOf } from './series.ts'

interface PointTableProps {
  chart: ChartOf
  history: History
  zone: Zone
}

/** The numbers of a chart, written when somebody unfolds them. Each step leads to its own history, in shorter steps. */
export function PointTable({ chart, history, zone }: PointTableProps) {
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
  const labels = series.map(({ label }) => label)
  if (points.length === 0) return <p class="empty">Every step has none.</p>
  return (
    <Rows
      label={`${title}: numbers`}
      heads={[`From (${zone === 'utc' ? 'UTC' : 'local'})`, ...labels]}
      numeric={isCount ? labels : []}
    >
      <tbody>
        {points.map((point) => (
          <tr key={point.at}>
            <th scope="row">
              <Link to={addressWithin(point.at, history)}>{clockOf(point.at, zone)}</Link>
            </th>
            {series.map(({ label, text }) => (
              <td key={label} class={isCount ? 'number' : undefined}>
                {text(point)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
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

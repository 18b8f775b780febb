import { detailOf } from '../../../shared/records/event-detail.ts'
import type { JobEvent } from '../../../shared/records/events.ts'
import { Link } from '../../parts/link.tsx'
import { Rows } from '../../parts/rows.tsx'
import { type Meaning, Status } from '../../parts/status.tsx'
import { addressOfEvents } from './place.ts'

/** Events, the newest first. The id of each leads to the whole event. */
export const EventTable = ({ events }: { events: readonly JobEvent[] }) => (
  <Rows label="Events" heads={['Id', 'Time (UTC)', 'Event', 'Queue', 'Type', 'Job', 'Detail']} numeric={['Id', 'Job']}>
    <tbody>
      {events.toReversed().map((event) => (
        <Row key={event.id} event={event} />
      ))}
    </tbody>
  </Rows>
)

/** The most characters of the detail in a row. */
const mostDetail = 300

function Row({ event }: { event: JobEvent }) {
  const { id, created_at, event_type, domain, queue, job_type, job_id, attrs } = event
  const detail = detailOf(attrs)
  return (
    <tr>
      <td class="number">
        <Link to={addressOfEvents({ scope: {} }, { after: id - 1, limit: '1' })}>{id}</Link>
      </td>
      <td>
        <time dateTime={created_at ?? ''} title={created_at ?? ''}>
          {clockOf(created_at)}
        </time>
      </td>
      <td>
        <Status of={event_type} meaning={meaningOf(event_type)} />
      </td>
      <td>{queue ? `${domain ?? '*'}/${queue}` : domain}</td>
      <td>{job_type}</td>
      <td class="number">{job_id != null && <Link to={`/jobs/${job_id}`}>{job_id}</Link>}</td>
      <td class="wide">{detail.length > mostDetail ? `${detail.slice(0, mostDetail)}…` : detail}</td>
    </tr>
  )
}

/** `2026-11-24 14:06:03`; text that is no time stays as it is. */
function clockOf(time: string | null | undefined): string {
  const at = new Date(time ?? '')
  return Number.isNaN(at.getTime()) ? (time ?? '') : at.toISOString().slice(0, 19).replace('T', ' ')
}

function meaningOf(type: string): Meaning {
  if (/failed|quarantined/.test(type)) return 'bad'
  if (/retry|cancel|lease_expired|paused|drained/.test(type)) return 'care'
  if (/completed|resumed/.test(type)) return 'good'
  return /acquired/.test(type) ? 'active' : 'none'
}

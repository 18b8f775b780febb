import type { JobEvent } from '../../../shared/records/events.ts'
import { Link } from '../../parts/controls.tsx'
import { Person } from '../../parts/name.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { type Meaning, Status } from '../../parts/values.tsx'
import { addressOfJob } from '../../state/address.ts'
import { Detail } from './detail.tsx'
import { addressOfEvents } from './place.ts'

interface EventTableProps {
  events: readonly JobEvent[]
  /** True for a tail: new events replace the rows again and again, and few of them are seen. */
  follows?: boolean
}

/** Events, the newest first. The id of each leads to the whole event. */
export const EventTable = ({ events, follows = false }: EventTableProps) => (
  <Rows
    label="Events"
    rows={events.toReversed()}
    columns={columns}
    keyOf={({ id }) => id}
    atOnce={follows ? 100 : undefined}
  />
)

const columns: readonly Column<JobEvent>[] = [
  ['Id', ({ id }) => <Link to={addressOfEvents({ scope: {} }, { after: id - 1, limit: '1' })}>{id}</Link>, 'number'],
  [
    'Time (UTC)',
    ({ created_at }) => (
      <time dateTime={created_at ?? ''} title={created_at ?? ''}>
        {clockOf(created_at)}
      </time>
    ),
  ],
  ['Event', ({ event_type }) => <Status of={event_type} meaning={meaningOf(event_type)} />],
  ['Queue', ({ domain, queue }) => (queue ? `${domain ?? '*'}/${queue}` : domain)],
  ['Type', ({ job_type }) => job_type],
  ['Job', ({ job_id }) => job_id != null && <Link to={addressOfJob(job_id)}>{job_id}</Link>, 'number'],
  ['By', ({ attrs }) => callerOf(attrs)],
  ['Detail', ({ attrs }) => <Detail attrs={withoutCaller(attrs)} />, 'wide'],
]

/** Who made the step of an event; what workers do has no caller. */
function callerOf(attrs: unknown) {
  const caller = typeof attrs === 'object' && attrs !== null && 'caller' in attrs ? attrs.caller : undefined
  return typeof caller === 'string' && caller !== '' && <Person id={caller} />
}

function withoutCaller(attrs: unknown): unknown {
  if (typeof attrs !== 'object' || attrs === null || Array.isArray(attrs)) return attrs
  return Object.fromEntries(Object.entries(attrs).filter(([name]) => name !== 'caller'))
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

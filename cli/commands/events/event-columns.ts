import { detailOf } from '../../../shared/records/event-detail.ts'
import type { JobEvent } from '../../../shared/records/events.ts'
import { escapedJson } from '../../../shared/text/escape.ts'
import type { Style } from '../../output/style.ts'
import type { Column } from '../../output/table.ts'
import { isoTime } from '../../text/times.ts'

const jobType: Column<JobEvent> = { title: 'job_type', also: 'type', value: ({ job_type }) => job_type ?? '' }
/** An id is text, since digits of an id are not grouped. */
const job: Column<JobEvent> = {
  title: 'job_id',
  also: 'job',
  value: ({ job_id }) => String(job_id ?? ''),
  gives: 'never',
}

/** The columns of TSV. */
export const columns: Column<JobEvent>[] = [
  { title: 'id', value: ({ id }) => String(id) },
  { title: 'created_at', value: ({ created_at }) => isoTime(created_at ?? '') },
  { title: 'event_type', value: ({ event_type }) => event_type },
  { title: 'domain', value: ({ domain }) => domain ?? '' },
  { title: 'queue', value: ({ queue }) => queue ?? '' },
  jobType,
  job,
  { title: 'attrs', value: ({ attrs }) => json(attrs) },
]

/** The columns for a person, whose dates stand above the events of each day. */
export const columnsForPeople: Column<JobEvent>[] = [
  { title: 'id', value: ({ id }) => String(id), gives: 'never' },
  { title: 'time', value: clockOf, gives: 'never' },
  { title: 'event', value: ({ event_type }) => event_type, paint: ({ event_type }) => colourOf(event_type) },
  { title: 'queue', value: ({ domain, queue }) => (queue ? `${domain ?? '*'}/${queue}` : (domain ?? '')) },
  { ...jobType, title: 'type' },
  { ...job, title: 'job' },
  { title: 'detail', value: ({ attrs }) => detailOf(attrs), gives: 'first', below: true },
]

/** JSON in a cell, which stays valid JSON. */
const json = (value: unknown): string => (value === undefined ? '' : escapedJson(JSON.stringify(value)))

/** The day of an event in UTC, `2026-11-24`; undefined where its time is no time. */
export function dayOf({ created_at }: JobEvent): string | undefined {
  const at = new Date(created_at ?? '')
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString().slice(0, 10)
}

/** The time of an event on its day, `14:06:03`; text that is no time stays as it is. */
function clockOf(event: JobEvent): string {
  const time = event.created_at ?? ''
  return dayOf(event) === undefined ? time : new Date(time).toISOString().slice(11, 19)
}

function colourOf(type: string): keyof Style | undefined {
  if (/failed|quarantined/.test(type)) return 'red'
  if (/retry|cancel|lease_expired/.test(type)) return 'yellow'
  return /completed/.test(type) ? 'green' : undefined
}

import type { JobEvent } from '../../shared/records/events.ts'
import { escapedJson } from '../escape.ts'
import type { Style } from '../output/style.ts'
import type { Column } from '../output/table.ts'

const jobType: Column<JobEvent> = { title: 'type', value: ({ job_type }) => job_type ?? '' }
/** An id is text, since digits of an id are not grouped. */
const job: Column<JobEvent> = { title: 'job', value: ({ job_id }) => String(job_id ?? '') }

/** The columns of TSV. */
export const columns: Column<JobEvent>[] = [
  { title: 'id', value: ({ id }) => String(id) },
  { title: 'created_at', value: ({ created_at }) => created_at ?? '' },
  { title: 'event_type', value: ({ event_type }) => event_type },
  { title: 'domain', value: ({ domain }) => domain ?? '' },
  { title: 'queue', value: ({ queue }) => queue ?? '' },
  jobType,
  job,
  { title: 'attrs', value: ({ attrs }) => json(attrs) },
]

export const forPeople: Column<JobEvent>[] = [
  { title: 'time (utc)', value: ({ created_at }) => clock(created_at ?? ''), gives: 'never' },
  { title: 'event', value: ({ event_type }) => event_type, paint: ({ event_type }) => colourOf(event_type) },
  { title: 'queue', value: ({ domain, queue }) => (queue ? `${domain ?? '*'}/${queue}` : (domain ?? '')) },
  jobType,
  job,
  { title: 'detail', value: ({ attrs }) => detail(attrs), gives: 'first' },
]

/** JSON in a cell, which stays valid JSON. */
const json = (value: unknown): string => (value === undefined ? '' : escapedJson(JSON.stringify(value)))

/** `2026-11-24 14:06:03`; text that is no time stays as it is. */
function clock(time: string): string {
  const at = new Date(time)
  return Number.isNaN(at.getTime()) ? time : at.toISOString().slice(0, 19).replace('T', ' ')
}

function colourOf(type: string): keyof Style | undefined {
  if (/failed|quarantined/.test(type)) return 'red'
  if (/retry|cancel|lease_expired/.test(type)) return 'yellow'
  return /completed/.test(type) ? 'green' : undefined
}

/** `retry_count=2 error_code=timeout`, on one line. */
function detail(attrs: unknown): string {
  if (typeof attrs !== 'object' || attrs === null || Array.isArray(attrs)) return attrs == null ? '' : word(attrs)
  return Object.entries(attrs)
    .map(([name, value]) => `${name}=${word(value)}`)
    .join(' ')
}

const word = (value: unknown): string =>
  typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value)

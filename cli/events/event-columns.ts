import type { JobEvent } from '../../shared/records/events.ts'
import { escapedJson } from '../escape.ts'
import { isoTime } from '../output/iso-time.ts'
import type { Style } from '../output/style.ts'
import type { Column } from '../output/table.ts'

const jobType: Column<JobEvent> = { title: 'type', value: ({ job_type }) => job_type ?? '' }
/** An id is text, since digits of an id are not grouped. */
const job: Column<JobEvent> = { title: 'job', value: ({ job_id }) => String(job_id ?? '') }

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

/** The columns for a person. The date stands in the first event of each day only. */
export const columnsForPeople = (): Column<JobEvent>[] => [
  { title: 'id', value: ({ id }) => String(id), gives: 'never' },
  { title: 'time (utc)', value: shortTimes(), gives: 'never' },
  { title: 'event', value: ({ event_type }) => event_type, paint: ({ event_type }) => colourOf(event_type) },
  { title: 'queue', value: ({ domain, queue }) => (queue ? `${domain ?? '*'}/${queue}` : (domain ?? '')) },
  jobType,
  job,
  { title: 'detail', value: ({ attrs }) => detail(attrs), gives: 'first' },
]

/** JSON in a cell, which stays valid JSON. */
const json = (value: unknown): string => (value === undefined ? '' : escapedJson(JSON.stringify(value)))

/** The time of each event, with its date where the date differs from that of the event before. */
function shortTimes(): (event: JobEvent) => string {
  const texts = new WeakMap<JobEvent, string>()
  let day = ''
  return (event) => {
    const known = texts.get(event)
    if (known !== undefined) return known
    const time = clock(event.created_at ?? '')
    const text = time.length === 19 && time.startsWith(day) && day !== '' ? time.slice(11).padStart(19) : time
    day = time.slice(0, 10)
    texts.set(event, text)
    return text
  }
}

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

/** The fields that an operator looks for stand first, since a narrow terminal cuts the end. */
const leading = ['reason', 'affected', 'operation_id', 'operation']

/** `retry_count=2 error_code=timeout`, on one line. */
function detail(attrs: unknown): string {
  if (typeof attrs !== 'object' || attrs === null || Array.isArray(attrs)) return attrs == null ? '' : word(attrs)
  const fields = new Map<string, unknown>(Object.entries(attrs))
  const first = leading.filter((name) => fields.has(name))
  return [...first, ...[...fields.keys()].filter((name) => !leading.includes(name))]
    .map((name) => `${name}=${word(fields.get(name))}`)
    .join(' ')
}

const word = (value: unknown): string =>
  typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value)

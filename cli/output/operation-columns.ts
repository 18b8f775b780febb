import { isAct } from '../../shared/records/acts.ts'
import type { OperationRecord } from '../../shared/records/records.ts'
import { escapedJson } from '../../shared/text/escape.ts'
import { ago } from '../../shared/times/time-and-size.ts'
import { scopeName } from '../text/scope-text.ts'
import { isoTime } from '../text/times.ts'
import type { Style } from './style.ts'
import type { Column } from './table.ts'

type Record = OperationRecord

const reason: Column<Record> = { title: 'reason', value: ({ reason }) => reason ?? '', gives: 'first', below: true }
/** An id is text, since digits of an id are not grouped. */
const id: Column<Record> = { title: 'id', value: ({ id }) => String(id) }
const kind: Column<Record> = { title: 'kind', value: ({ kind }) => kind }
const state: Column<Record> = { title: 'state', value: ({ state }) => state, paint: ({ state }) => colours.get(state) }

/** The state is a text of the server, which may be of a later version. */
const colours = new Map<string, keyof Style>([
  ['failed', 'red'],
  ['partial', 'yellow'],
  ['running', 'yellow'],
  ['done', 'green'],
])

const text = (value: string | number | null): string => String(value ?? '')

/** The columns of TSV. */
export const columns: Column<Record>[] = [
  id,
  { title: 'started_at', value: ({ started_at }) => isoTime(started_at) },
  kind,
  state,
  { title: 'domain', value: ({ domain }) => text(domain) },
  { title: 'queue', value: ({ queue }) => text(queue) },
  { title: 'job_type', value: ({ job_type }) => text(job_type) },
  { title: 'affected', value: ({ affected }) => affected },
  { title: 'caller', value: ({ caller }) => caller },
  { title: 'reason', value: ({ reason }) => text(reason) },
  { title: 'ended_at', value: ({ ended_at }) => isoTime(text(ended_at)) },
  { title: 'undoes', value: ({ undoes }) => text(undoes) },
  { title: 'undone_by', value: ({ undone_by }) => text(undone_by) },
]

export const forPeople: Column<Record>[] = [
  id,
  { title: 'when', value: ({ started_at }) => ago(started_at), gives: 'never' },
  kind,
  { title: 'scope', value: scopeText, gives: 'never' },
  state,
  { title: 'jobs', value: ({ kind, affected }) => (isAct(kind) ? '' : affected) },
  { title: 'by', value: byText },
  reason,
]

const isOfAgent = (filters: unknown): boolean =>
  typeof filters === 'object' && filters !== null && 'proposal' in filters

/** Who made the change, and that an agent had proposed it. */
function byText({ caller, filters }: Record): string {
  return isOfAgent(filters) ? `${caller}, as an agent proposed` : caller
}

function scopeText({ kind, filters, undoes, ...scope }: Record): string {
  if (undoes !== null) return `operation ${undoes}`
  const subject = isAct(kind) && scope.domain === null ? subjectOf(filters) : undefined
  if (subject !== undefined) return subject
  return scopeName(scope)
}

/** What an act without a scope was about: `token 4f0c2a9be1d7 (ci)`, `hold 3`; empty for the whole database. */
function subjectOf(filters: unknown): string {
  const known = new Map<string, unknown>(typeof filters === 'object' && filters !== null ? Object.entries(filters) : [])
  const subject = ['token', 'hold', 'operation'].find((name) => known.has(name))
  if (subject === undefined) return ''
  const name = subject === 'token' && known.has('name') ? ` (${known.get('name')})` : ''
  return `${subject} ${known.get(subject)}${name}`
}

/** One field of a record. */
export interface Field {
  field: string
  value: string
}

export const fieldColumns: Column<Field>[] = [
  { title: 'field', value: ({ field }) => field },
  { title: 'value', value: ({ value }) => value, gives: 'first' },
]

const nested = ['counts', 'now']

/** A record field by field; nested counts have names such as `now.queued`. */
export const fieldsOf = (record: object): Field[] =>
  Object.entries(record).flatMap(([field, value]: [string, unknown]) =>
    nested.includes(field) && typeof value === 'object' && value !== null
      ? Object.entries(value).map(([name, inner]) => ({ field: `${field}.${name}`, value: shown(inner) }))
      : [{ field, value: shown(value) }],
  )

const shown = (value: unknown): string =>
  typeof value === 'string' ? value : value === null || value === undefined ? '' : escapedJson(JSON.stringify(value))

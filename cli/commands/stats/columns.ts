import type { GroupStats } from '../../../shared/queues/stats.ts'
import { queueColumn } from '../../output/queue-column.ts'
import type { Column } from '../../output/table.ts'
import { isoTime } from '../../text/times.ts'

/** A group with the state of its queue, where the queue is stopped. */
export interface Group extends GroupStats {
  state?: string
}

const counts: Column<Group>[] = [
  { title: 'queued', value: ({ queued }) => queued, zeros: 'drop' },
  { title: 'scheduled', value: ({ scheduled }) => scheduled, short: 'sched', zeros: 'drop' },
  { title: 'processing', value: ({ processing }) => processing, short: 'proc', zeros: 'drop' },
  {
    title: 'quarantined',
    short: 'quar',
    value: ({ quarantined }) => quarantined,
    paint: ({ quarantined }) => (quarantined > 0 ? 'yellow' : undefined),
    zeros: 'drop',
  },
]

export const failed: Column<Group> = {
  title: 'failed',
  value: ({ failed }) => failed ?? 0,
  paint: ({ failed }) => (failed ? 'red' : undefined),
}

const unmapped: Column<Group> = {
  title: 'unmapped',
  value: ({ unmapped }) => unmapped ?? 0,
  paint: ({ unmapped }) => (unmapped ? 'yellow' : undefined),
}

/** Over the jobs of another engine, failed jobs are counted, too, and over a mapped table those to which its map gives no state. */
export const countsOf = (rows: readonly Group[]): Column<Group>[] => [
  ...counts,
  ...(rows.some((row) => row.failed !== undefined) ? [failed] : []),
  ...(rows.some((row) => row.unmapped !== undefined) ? [unmapped] : []),
]

/** The columns of TSV. */
export const columns = (rows: readonly Group[]): Column<Group>[] => [
  { title: 'domain', value: ({ domain }) => domain },
  { title: 'queue', value: ({ queue }) => queue },
  { title: 'job_type', also: 'type', value: ({ job_type }) => job_type },
  ...countsOf(rows),
]

const typeColumn: Column<Group> = { title: 'type', value: ({ job_type }) => job_type, gives: 'never' }
const stateColumn: Column<Group> = { title: 'state', value: ({ state }) => state ?? '', paint: () => 'yellow' }

/** The columns for a person, with the state of the queues where any queue is stopped, and job types where any group has one. */
export const columnsForPeople = (rows: readonly Group[]): Column<Group>[] => [
  queueColumn,
  ...(rows.some(({ job_type }) => job_type !== '') ? [typeColumn] : []),
  ...countsOf(rows),
  ...(rows.some(({ state }) => state !== undefined) ? [stateColumn] : []),
]

/** What a moment in the past adds to the columns. */
export const pastColumns: Column<Group>[] = [
  { title: 'as_of', value: ({ as_of = '' }) => isoTime(as_of) },
  { title: 'at_least', value: ({ at_least = '' }) => at_least },
]

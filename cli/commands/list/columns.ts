import { Failure } from '../../../shared/errors.ts'
import { type ListedJob, listedColumns } from '../../../shared/jobs/list.ts'
import { colourOfState } from '../../output/style.ts'
import type { Column } from '../../output/table.ts'
import { nearestName } from '../../text/nearest-name.ts'
import { ago, isoTime } from '../../text/times.ts'

const text = (value: string | null | undefined): string => value ?? ''

/** An id is text, since digits of an id are not grouped. */
export const id: Column<ListedJob> = { title: 'id', value: (job) => String(job.id), gives: 'never' }
const status: Column<ListedJob> = {
  title: 'status',
  value: (job) => job.status,
  paint: ({ status }) => colourOfState(status),
}

/** The columns of TSV: the fields of the API in their order. */
export const columns: Column<ListedJob>[] = [
  id,
  { title: 'uuid', value: ({ uuid }) => text(uuid) },
  { title: 'domain', value: ({ domain }) => domain },
  { title: 'queue', value: ({ queue }) => queue },
  { title: 'job_type', value: ({ job_type }) => job_type },
  status,
  { title: 'priority', value: ({ priority }) => text(priority?.toString()) },
  { title: 'retry_count', value: ({ retry_count }) => text(retry_count?.toString()) },
  { title: 'max_retries', value: ({ max_retries }) => text(max_retries?.toString()) },
  ...(['available_at', 'created_at', 'acquired_at', 'started_at', 'leased_until', 'completed_at'] as const).map(
    (name): Column<ListedJob> => ({ title: name, value: (job) => isoTime(text(job[name])) }),
  ),
  ...(['owner_user_id', 'batch_group', 'error_code', 'worker_id'] as const).map(
    (name): Column<ListedJob> => ({ title: name, value: (job) => text(job[name]) }),
  ),
]

/** The state in the words of another engine, or of a mapped table. */
const nativeState: Column<ListedJob> = {
  title: 'native_state',
  short: 'native',
  value: ({ native_state }) => text(native_state),
}

/** The columns for a person, with the words of the engine where a job has other words than ours. */
export const columnsForPeople = (jobs: readonly ListedJob[]): readonly Column<ListedJob>[] =>
  jobs.some(
    ({ status, native_state }) => native_state !== undefined && native_state !== null && native_state !== status,
  )
    ? ownForPeople.flatMap((column) => (column === status ? [status, nativeState] : [column]))
    : ownForPeople

const ownForPeople: readonly Column<ListedJob>[] = [
  id,
  { title: 'queue', value: ({ domain, queue }) => `${domain}/${queue}`, gives: 'never' },
  { title: 'type', value: ({ job_type }) => job_type },
  status,
  { title: 'prio', value: ({ priority }) => text(priority?.toString()), gives: 'never' },
  {
    title: 'retries',
    value: ({ retry_count, max_retries }) => `${retry_count ?? 0}/${max_retries ?? '-'}`,
    gives: 'never',
  },
  { title: 'created', value: ({ created_at }) => (created_at ? ago(created_at) : ''), gives: 'never' },
  { title: 'error', value: ({ error_code }) => text(error_code), gives: 'first' },
  { title: 'worker', value: ({ worker_id }) => text(worker_id), gives: 'first' },
]

/**
 * The columns that `--columns` names, in its order.
 * @throws Failure `usage` for a name that is no field of the API, with the most similar field
 */
export function columnsNamed(names: string): Column<ListedJob>[] {
  return names.split(',').map((word) => {
    const name = word.trim()
    const column = [...columns, nativeState].find(({ title }) => title === name)
    if (column) return column
    const nearest =
      listedColumns.find((known) => name !== '' && known.startsWith(name)) ?? nearestName(name, listedColumns, 3)
    throw new Failure('usage', `--columns: there is no column ${name === '' ? 'with a blank name' : name}`, {
      hint: `${nearest === undefined ? '' : `did you mean ${nearest}? `}the columns are ${listedColumns.join(',')}`,
    })
  })
}

/** The same columns of the answer of the API, for JSON. */
export function picked(raw: unknown, chosen: readonly Column<ListedJob>[] | undefined): unknown {
  if (chosen === undefined || !Array.isArray(raw)) return raw
  return raw.map((row: unknown) => {
    const fields = new Map(Object.entries(Object(row)))
    return Object.fromEntries(chosen.map(({ title }) => [title, fields.get(title) ?? null]))
  })
}

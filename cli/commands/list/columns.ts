import type { ListedJob } from '../../../shared/jobs/list.ts'
import { ago } from '../../../shared/times/time-and-size.ts'
import { queueColumn } from '../../output/queue-column.ts'
import { colourOfState } from '../../output/style.ts'
import type { Column } from '../../output/table.ts'
import { isoTime } from '../../text/times.ts'
import type { ListFlags } from './request.ts'

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
  { title: 'updated_at', value: ({ updated_at }) => isoTime(text(updated_at)) },
  { title: 'cancellation_reason', also: 'reason', value: ({ cancellation_reason: reason }) => text(reason) },
]

/** The state in the words of another engine, or of a mapped table. */
const nativeState: Column<ListedJob> = {
  title: 'native_state',
  short: 'native',
  value: ({ native_state }) => text(native_state),
}

/** The field that a list has for `errors=true` alone, since messages are long. */
const errorMessage: Column<ListedJob> = {
  title: 'error_message',
  also: 'error',
  value: ({ error_message }) => text(error_message),
  gives: 'first',
}

/** The payload is a field of JSON and of templates alone. */
const payload: Column<ListedJob> = { title: 'payload', value: () => '' }

/** Columns that are printed where `--columns` or `--template` names them. */
export const moreFor = (flags: Pick<ListFlags, 'payload'>): Column<ListedJob>[] => [
  nativeState,
  errorMessage,
  ...(flags.payload ? [payload] : []),
]

/**
 * The columns for a person, with the words of the engine where a job has other words than ours. Of the jobs of an engine, which may have neither
 * codes of errors nor names of workers, a column without a value is left out.
 */
export function columnsForPeople(jobs: readonly ListedJob[]): readonly Column<ListedJob>[] {
  const native = jobs.filter(({ native_state }) => native_state !== undefined && native_state !== null)
  if (native.length === 0) return ownForPeople
  const hasOtherWords = native.some(({ status, native_state }) => native_state !== status)
  return ownForPeople
    .filter((column) => !ofSomeEngines.includes(column) || jobs.some((job) => column.value(job) !== ''))
    .flatMap((column) => (column === status && hasOtherWords ? [status, nativeState] : [column]))
}

const ofSomeEngines: readonly Column<ListedJob>[] = [
  { title: 'error', value: ({ error_code }) => text(error_code), gives: 'first' },
  { title: 'worker', value: ({ worker_id }) => text(worker_id), gives: 'first' },
]

const ownForPeople: readonly Column<ListedJob>[] = [
  id,
  queueColumn,
  { title: 'type', value: ({ job_type }) => job_type },
  status,
  { title: 'prio', value: ({ priority }) => text(priority?.toString()), gives: 'never' },
  {
    title: 'retries',
    value: ({ retry_count, max_retries }) => `${retry_count ?? 0}/${max_retries ?? '-'}`,
    gives: 'never',
  },
  { title: 'created', value: ({ created_at }) => (created_at ? ago(created_at) : ''), gives: 'never' },
  ...ofSomeEngines,
]

import type { Fragment, Sql } from '../../database/sql.ts'
import type { QueueAdapter } from '../adapter.ts'
import type { Found } from '../found.ts'
import { encodedPart, quotedText } from '../parts/sql-text.ts'
import { tableSample } from '../parts/table-sample.ts'
import { imageOf } from './image.ts'

type Place = Pick<Found, 'schema' | 'domain'>

/**
 * The jobs of one schema of BullMQ as rows with the columns of our `jobs`. Beside them stand `native_id` (text), `native_tid`, `native_state` (the enum of
 * BullMQ), `native_ended` (the time of the end), `native_image`, and what its rules for changes need. `id` is the key of a job as text.
 *
 * Every column is an expression over one row, or a scalar subselect, so that the planner merges the query into the statement around it and
 * its rows can be locked.
 * @returns SQL of a query in parentheses, without an alias
 */
export const projectionOf = (place: Place, sample?: number): string =>
  `(select ${columnsOf(place)} from ${rowsOf(place, sample)})`

/** A part of a `from`: the rows of the jobs of a schema, with the alias `j`, or a sample of them. */
export const rowsOf = ({ schema }: Pick<Place, 'schema'>, sample?: number): string =>
  `${schema}.job j${tableSample(`${schema}.job`, sample)}`

/** The states of BullMQ behind each of ours. It has neither cancelled jobs nor a quarantine. */
const nativeStates: Readonly<Record<string, readonly string[]>> = {
  queued: ['waiting', 'delayed', 'waiting-children'],
  processing: ['active'],
  completed: ['completed'],
  failed: ['failed'],
}

/** The names of the states of BullMQ that jobs in these states of ours have. */
const nativeOf = (states: readonly string[]): string[] => states.flatMap((state) => nativeStates[state] ?? [])

/** A condition on `jobs`: true for jobs in one of these states of ours. */
export function hasState(sql: Sql, states: readonly string[]): Fragment {
  const names = nativeOf(states).map((state) => `'${state}'`)
  return names.length === 0 ? sql`false` : sql.unsafe(`jobs.native_state in (${names.join(', ')})`)
}

/**
 * A look for stalled jobs marks what runs. The next look takes the mark away, also where the job has ended by then. It comes `stalledInterval`
 * later, or once the queue has a worker again.
 */
export const rewritten: NonNullable<QueueAdapter['rewritten']> = {
  mayBe: (sql) => sql`(jobs.native_marked and jobs.native_state in ('completed', 'failed'))`,
  fingerprint: (sql) =>
    sql`left(md5(concat_ws(' ', jobs.id, jobs.native_state, jobs.native_seq, jobs.retry_count, jobs.native_finished)), 16)`,
}

/** An SQL expression: our name of a state of BullMQ. One that later versions may have is shown by its own name. */
export const statusOf = (state: string): string => `case ${state}::text
  when 'waiting' then 'queued' when 'delayed' then 'queued' when 'waiting-children' then 'queued' when 'active' then 'processing'
  else ${state}::text
end`

/** An SQL expression: a time that BullMQ stores as milliseconds since 1970, within the years that PostgreSQL and JSON can write. */
export const timeOf = (milliseconds: string): string => `(timestamptz '1970-01-01 00:00:00+00' + case
    when ${milliseconds} < -62135596800000 then -62135596800000 when ${milliseconds} > 253402300799000 then 253402300799000
    else ${milliseconds}
  end * interval '1 millisecond')`

/** An SQL expression: now, as BullMQ stores times. */
export const nowMs = `(extract(epoch from now()) * 1000)::bigint`

/** An SQL expression: the key of a row with a queue and an id, as `keyText` makes it. */
export const keyOf = (queue: string, id: string): string =>
  `((${encodedPart(queue)}) || '/' || (${encodedPart(id)})) collate "C"`

/**
 * An SQL expression: the time from which a row `j` of `job` can run. BullMQ does not write down when a waiting job became one: it is the
 * end of its delay, the start of its last attempt, or its creation, and never in the future.
 */
export const dueOf = `case j.state
  when 'waiting' then least(${timeOf('greatest(coalesce(j.process_at_ms, j.added_at_ms), j.processed_at_ms)')}, pg_catalog.now())
  when 'delayed' then ${timeOf('coalesce(j.process_at_ms, j.added_at_ms)')}
  else ${timeOf('coalesce(j.process_at_ms, j.added_at_ms)')}
end`

/** The columns of the projection over a row `j` of `job`, or of a table with its columns, as a list for `select`. */
export const columnsOf = (place: Place): string =>
  Object.entries(expressionsOf(place))
    .map(([name, expression]) => `${expression} as ${name}`)
    .join(', ')

/** An SQL expression: when a row `j` was made. */
export const created = timeOf('j.added_at_ms')
const ended = timeOf('j.finished_at_ms')

/** The expressions of the projection over a row `j` of `job`, by the names of our columns. */
const expressionsOf = ({ schema, domain }: Place): Record<string, string> => ({
  xmin: 'j.xmin',
  id: keyOf('j.queue', 'j.id'),
  native_id: 'j.id',
  native_tid: 'j.ctid',
  native_state: 'j.state',
  native_ended: `case when j.state in ('completed', 'failed') then ${ended} end`,
  native_image: imageOf('j', schema),
  native_locked: '(j.lock_token is not null)',
  native_scheduler: 'j.scheduler_id',
  native_dedup: 'j.dedup_id',
  native_parent_queue: 'j.parent_queue',
  native_parent_id: 'j.parent_id',
  native_finished: 'j.finished_at_ms',
  native_marked: 'j.stalled_marked',
  native_seq: 'j.seq',
  uuid: keyOf('j.queue', 'j.id'),
  domain: `${quotedText(domain)}::text`,
  queue: 'j.queue',
  job_type: 'j.name',
  owner_user_id: 'null::text',
  project_id: 'null::integer',
  batch_group: 'j.parent_key',
  idempotency_key: 'j.dedup_id',
  payload: 'j.data',
  result: `case when j.state = 'completed' then j.return_value end`,
  status: statusOf('j.state'),
  priority: 'j.priority',
  // Without a number of attempts, which BullMQ writes as 0, a job has one.
  max_retries: 'greatest(j.max_attempts, 1)',
  retry_count: 'j.attempts_made',
  available_at: dueOf,
  started_at: timeOf('j.processed_at_ms'),
  acquired_at: timeOf('j.processed_at_ms'),
  // An active job without a lock has lost it.
  leased_until: `case when j.state = 'active' then ${timeOf('coalesce(j.locked_until_ms, j.processed_at_ms, j.added_at_ms)')} end`,
  lease_id: 'null::text',
  worker_id: 'j.processed_by',
  error_message: `case when j.state = 'failed' then j.failed_reason end`,
  error_code: 'null::text',
  error_class: 'null::text',
  last_error: `case when j.state <> 'completed' then j.failed_reason end`,
  error_stack: `case when j.state <> 'completed' then j.stacktrace end`,
  cancel_requested_at: 'null::timestamptz',
  cancelled_at: 'null::timestamptz',
  cancellation_reason: 'null::text',
  completion_token: 'null::text',
  failure_streak_code: 'null::text',
  failure_streak_count: '0',
  quarantined_at: 'null::timestamptz',
  // A progress is a number of percent by custom, and any JSON value by right. The type real refuses numbers near to 0, such as 1e-50.
  progress_percent: `case when pg_catalog.jsonb_typeof(j.progress) = 'number' and pg_catalog.abs((j.progress #>> '{}')::numeric) < 1e6
    then pg_catalog.round((j.progress #>> '{}')::numeric, 6)::real end`,
  progress_message: `case when pg_catalog.jsonb_typeof(j.progress) <> 'number' then j.progress #>> '{}' end`,
  request_id: 'null::text',
  trace_id: 'null::text',
  failure_timeline: 'null::jsonb',
  created_at: created,
  updated_at: timeOf('greatest(j.added_at_ms, j.processed_at_ms, j.finished_at_ms)'),
  completed_at: `case when j.state in ('completed', 'failed') then ${ended} end`,
  quarantine_threshold: 'null::integer',
  traceparent: 'null::text',
})

import type { Fragment, Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { boundedTime, encodedPart, quotedText } from '../parts/sql-text.ts'
import { tableSample } from '../parts/table-sample.ts'

type Place = Pick<Found, 'schema' | 'domain'>

/** The queue of jobs without one: each of them runs by itself. A queue whose own name has only such characters gets one more. */
export const noQueue = '_'

/** The name that a queue of graphile-worker has in calls and answers. */
export const queueNamed = (name: string | null): string =>
  name === null ? noQueue : /^_+$/.test(name) ? `${name}_` : name

/** The name that a queue of calls has in graphile-worker; null for that of jobs without a queue. */
export const nativeQueue = (queue: string): string | null =>
  queue === noQueue ? null : /^_+$/.test(queue) ? queue.slice(1) : queue

/** An SQL expression of the same name. */
const named = (name: string): string => `case when ${name} ~ '^_+$' then ${name} || '_' else ${name} end`

/** An SQL condition on `jobs`: true for jobs of a queue, as the indexes of workers have them. */
export const isInQueue = (sql: Sql, { schema }: Place, queue: string): Fragment => {
  const name = nativeQueue(queue)
  return name === null
    ? sql`job_queue_id is null`
    : sql`job_queue_id = (select id from ${sql.unsafe(schema)}._private_job_queues where queue_name = ${name}::text)`
}

/** How many hours after a job was picked up a worker takes it for lost: `resetLockedAt` of graphile-worker. */
export const hoursOfLock = 4

/** What names a row `j` of `_private_jobs`, as expressions. */
interface Names {
  queue: string
  /** The queue as a part of a key. */
  keyPart: string
  task: string
}

const ofQueue = (schema: string, expression: string): string =>
  `coalesce((select ${expression} from ${schema}._private_job_queues q where q.id = j.job_queue_id), '${noQueue}')`

const namesIn = (schema: string): Names => ({
  queue: ofQueue(schema, named('q.queue_name')),
  keyPart: ofQueue(schema, encodedPart(`(${named('q.queue_name')})`)),
  task: `coalesce((select t.identifier from ${schema}._private_tasks t where t.id = j.task_id), '')`,
})

/** A query in parentheses of the names of all queues: `id`, `queue` as calls name it, and `part`, the same as a part of a key. */
export const queuesIn = (schema: string): string =>
  `(select q.id, ${named('q.queue_name')} as queue, ${encodedPart(`(${named('q.queue_name')})`)} as part from ${schema}._private_job_queues q offset 0)`

/** The archive keeps the names: graphile-worker deletes queues and tasks without jobs where its user has it clean up. */
const namesInArchive: Names = {
  queue: 'j.archived_queue',
  keyPart: encodedPart('j.archived_queue'),
  task: 'j.archived_task',
}

/**
 * The jobs of one schema of graphile-worker as rows with the columns of our `jobs`, their names and their types, in the order of our table.
 * Beside them stand `xmin`, `native_id` (bigint), `native_available` (no worker has the job, and it has attempts left), `native_locked_at`,
 * `native_ended`, `native_task_id`, `native_queue_id`, and for changes `native_image`. A completed job has no row: graphile-worker deletes it.
 *
 * Every column is an expression over one row, or a scalar subselect, so that rows can be locked, and conditions on `native_id` and
 * `native_available` use the indexes of graphile-worker.
 * @returns SQL of a query in parentheses, without an alias
 */
export const projectionOf = (place: Place, sample?: number): string =>
  `(select ${columnsOfTable(place)} from ${rowsOf(place, sample)})`

/** A part of a `from`: the rows of the jobs of a schema, with the alias `j`, or a sample of them. */
export const rowsOf = ({ schema }: Pick<Place, 'schema'>, sample?: number): string =>
  `${schema}._private_jobs j${tableSample(`${schema}._private_jobs`, sample)}`

/** The columns of the projection over a row `j` of the table, as a list for `select`. */
export const columnsOfTable = (place: Place): string => columnsOf(place, namesIn(place.schema))

/** The columns of the projection over a row `j` of the archive, as a list for `select`. */
export const columnsOfArchive = (place: Place): string => columnsOf(place, namesInArchive)

/** An SQL expression: the queue of a row `j` of `_private_jobs`, as calls name it. */
export const queueIn = ({ schema }: Pick<Place, 'schema'>): string => namesIn(schema).queue

/** An SQL expression: the key of a row `j` of `_private_jobs`, as `keyText` makes it. */
export const keyIn = ({ schema }: Pick<Place, 'schema'>): string => keyOf(namesIn(schema))

const keyOf = ({ keyPart }: Names): string => `(${keyPart} || '/' || j.id::text) collate "C"`

/** A condition on `jobs`: true for jobs in one of these states of ours, by columns that indexes have. */
export function hasState(sql: Sql, states: readonly string[]): Fragment {
  const conditions = [...new Set(states)].flatMap((state) => conditionOf[state] ?? [])
  return conditions.length === 0 ? sql`false` : sql.unsafe(`(${conditions.join(' or ')})`)
}

const conditionOf: Readonly<Record<string, string>> = {
  queued: 'jobs.native_available = true',
  processing: 'jobs.native_locked_at is not null',
  failed: '(jobs.native_locked_at is null and jobs.native_available = false)',
}

/** An SQL expression: the state of a row of `_private_jobs`. */
const statusOf = (row: string): string =>
  `case when ${row}.locked_at is not null then 'processing' when ${row}.attempts >= ${row}.max_attempts then 'failed' else 'queued' end`

/**
 * An SQL expression: when a row `j` ended for good; null for any other. graphile-worker keeps no such time: a worker that fails a job moves
 * `run_at` on by e to the power of its attempts, and `permanently_fail_jobs` sets `updated_at`.
 */
export const ended = `case when j.locked_at is null and j.attempts >= j.max_attempts then
  case
    when ${failedAt()} > j.updated_at and ${failedAt()} <= pg_catalog.now() then ${failedAt()}
    else j.updated_at
  end
end`

function failedAt(): string {
  return `${boundedTime('j.run_at')} - pg_catalog.exp(least(j.attempts, 10)) * interval '1 second'`
}

/** An SQL expression of type jsonb: the image of a row of `_private_jobs`: what its functions change, and what shows that somebody else did. */
export const imageOf = (row: string, queue: string): string =>
  `pg_catalog.jsonb_build_object('queue', ${queue}, 'native_id', ${row}.id, 'state', ${statusOf(row)}, ${[
    ...['run_at', 'priority', 'attempts', 'max_attempts', 'last_error', 'updated_at', 'revision'],
  ]
    .map((name) => `'${name}', ${row}.${name}`)
    .join(', ')})`

/** The columns of the projection over a row `j`, as a list for `select`. */
const columnsOf = (place: Place, names: Names): string =>
  Object.entries(expressionsOf(place, names))
    .map(([name, expression]) => `${expression} as ${name}`)
    .join(', ')

const message = `nullif(j.last_error, '')`

/** The expressions of the projection over a row `j`, by the names of our columns. */
function expressionsOf({ domain }: Place, names: Names): Record<string, string> {
  return {
    xmin: 'j.xmin',
    id: keyOf(names),
    native_id: 'j.id',
    native_state: 'null::text',
    native_available: 'j.is_available',
    native_locked_at: 'j.locked_at',
    native_ended: ended,
    native_task_id: 'j.task_id',
    native_queue_id: 'j.job_queue_id',
    native_image: imageOf('j', names.queue),
    uuid: 'null::text',
    domain: `${quotedText(domain)}::text`,
    queue: names.queue,
    job_type: names.task,
    owner_user_id: 'null::text',
    project_id: 'null::integer',
    batch_group: 'null::text',
    idempotency_key: 'j.key',
    payload: 'j.payload',
    result: 'null::jsonb',
    status: statusOf('j'),
    priority: 'j.priority::integer',
    max_retries: 'j.max_attempts::integer',
    // An attempt is counted when it begins: that of a running job has not failed.
    retry_count: `case when j.locked_at is null then j.attempts else greatest(j.attempts - 1, 0) end::integer`,
    available_at: 'j.run_at',
    started_at: 'j.locked_at',
    acquired_at: 'j.locked_at',
    leased_until: `${boundedTime('j.locked_at')} + interval '${hoursOfLock} hours'`,
    lease_id: 'null::text',
    worker_id: 'j.locked_by',
    error_message: message,
    error_code: 'null::text',
    error_class: 'null::text',
    last_error: message,
    error_stack: 'null::jsonb',
    cancel_requested_at: 'null::timestamptz',
    cancelled_at: 'null::timestamptz',
    cancellation_reason: 'null::text',
    completion_token: 'null::text',
    failure_streak_code: 'null::text',
    failure_streak_count: '0',
    quarantined_at: 'null::timestamptz',
    progress_percent: 'null::real',
    progress_message: 'null::text',
    request_id: 'null::text',
    trace_id: 'null::text',
    failure_timeline: 'null::jsonb',
    created_at: 'j.created_at',
    updated_at: 'j.updated_at',
    completed_at: ended,
    quarantine_threshold: 'null::integer',
    traceparent: 'null::text',
  }
}

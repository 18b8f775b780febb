import type { Fragment, Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { boundedTime, encodedPart, quotedText } from '../parts/sql-text.ts'
import { tableSample } from '../parts/table-sample.ts'
import { imageOf } from './image.ts'

type Place = Pick<Found, 'schema' | 'domain' | 'columns'>

/**
 * The jobs of one schema of pg-boss as rows with the columns of our `jobs`, their names and their types, in the order of our table. Beside
 * them stand `xmin`, `native_id` (uuid), `native_state` (the enum of pg-boss) and `native_ended` (the time of the end, of whatever kind). For
 * changes there are its rules, and `native_image`: the columns that a change may overwrite, as jsonb. `id` is the key of a job as text, and
 * `uuid` its uuid.
 *
 * Every column is an expression over one row, or an uncorrelated subselect, so that the planner merges the query into the statement around it.
 * Rows can be locked then, and conditions on `queue`, `native_id`, `native_state` and the times use the indexes of pg-boss. A column that this version
 * of the schema does not have is null.
 * @param sample about how many jobs are read; all by default
 * @returns SQL of a query in parentheses, without an alias
 */
export function projectionOf(place: Place, sample?: number): string {
  const table = `${place.schema}.job`
  return `(select ${columnsOf(place)} from ${table} j${tableSample(table, sample)})`
}

/** The states of pg-boss behind each of ours. It has no quarantine. */
const nativeStates: Readonly<Record<string, readonly string[]>> = {
  queued: ['created', 'retry'],
  processing: ['active'],
  completed: ['completed'],
  failed: ['failed'],
  cancelled: ['cancelled'],
}

/** The names of the states of pg-boss that jobs in these states of ours have. */
export const nativeOf = (states: readonly string[]): string[] => states.flatMap((state) => nativeStates[state] ?? [])

/** A condition on `jobs`: true for jobs in one of these states of ours, as an index with the states of pg-boss has them. */
export function hasState(sql: Sql, states: readonly string[]): Fragment {
  const names = nativeOf(states).map((state) => `'${state}'`)
  return names.length === 0 ? sql`false` : sql.unsafe(`jobs.native_state in (${names.join(', ')})`)
}

/** A condition on `jobs`: pg-boss runs the job again after a failure. A cancelled job that was resumed begins from the start. */
export const isRetrying = (sql: Sql): Fragment => sql`jobs.native_state = 'retry'`

/** The columns of the projection over a row `j` of `job`, as a list for `select`. */
const columnsOf = (place: Place): string => listed(expressionsOf(place))

/**
 * The same over a row `j` of our archive. No index has to find what it counts, so that a dead letter keeps its job type: no queue may name its queue
 * any more when it comes back.
 */
export const archivedColumnsOf = (place: Place): string =>
  listed({
    ...expressionsOf(place),
    job_type: place.columns.has('source_name') ? `coalesce(j.source_name, '')` : `''::text`,
  })

const listed = (expressions: Record<string, string>): string =>
  Object.entries(expressions)
    .map(([name, expression]) => `${expression} as ${name}`)
    .join(', ')

/** The expressions of the projection over a row `j` of `job`, by the names of our columns. */
function expressionsOf({ schema, domain, columns }: Place): Record<string, string> {
  const has = (name: string) => columns.has(name)
  const ofColumn = (name: string, type: string) => (has(name) ? `j.${name}` : `null::${type}`)
  const trace = has('trace_context') ? `pg_catalog.split_part(j.trace_context ->> 'traceparent', '-', 2)` : 'null::text'
  return {
    xmin: 'j.xmin',
    id: keyOf('j'),
    native_id: 'j.id',
    native_tid: 'j.ctid',
    native_state: 'j.state',
    // pg-boss has no such time in a job that has not ended, but for those that 10.x runs again.
    native_ended: has('blocked') ? 'j.completed_on' : `case when j.state > 'active' then j.completed_on end`,
    native_image: imageOf('j', columns),
    native_policy: ofColumn('policy', 'text'),
    native_singleton_on: 'j.singleton_on',
    native_blocking: ofColumn('blocking', 'boolean'),
    native_blocked: ofColumn('blocked', 'boolean'),
    native_dead_letter: 'j.dead_letter',
    native_kept_seconds: ofColumn('deletion_seconds', 'integer'),
    native_source_name: ofColumn('source_name', 'text'),
    native_source_id: ofColumn('source_id', 'uuid'),
    native_source_root: ofColumn('source_root_id', 'uuid'),
    uuid: 'j.id::text',
    domain: `${quotedText(domain)}::text`,
    queue: 'j.name',
    job_type: typeOf({ schema, columns }),
    owner_user_id: ofColumn('group_id', 'text'),
    project_id: 'null::integer',
    batch_group: 'j.singleton_key',
    idempotency_key: 'null::text',
    payload: 'j.data',
    result: `case when j.state = 'completed' then j.output end`,
    status,
    priority: 'j.priority',
    max_retries: 'j.retry_limit',
    // pg-boss counts an attempt again when it begins, and this column when the one before has failed.
    retry_count: `case when j.state = 'retry' then least(j.retry_count, 2147483646) + 1 else j.retry_count end`,
    available_at: 'j.start_after',
    started_at: 'j.started_on',
    acquired_at: 'j.started_on',
    leased_until: `case when j.state = 'active' then ${leaseEnd(columns)} end`,
    lease_id: 'null::text',
    worker_id: 'null::text',
    error_message: lastError,
    error_code: `case when j.state <> 'completed' then j.output ->> 'code' end`,
    error_class: `case when j.state <> 'completed' then j.output ->> 'name' end`,
    last_error: has('source_output') ? `coalesce(${lastError}, ${messageIn('j.source_output')})` : lastError,
    error_stack: `case when j.state <> 'completed' then j.output -> 'stack' end`,
    cancel_requested_at: 'null::timestamptz',
    cancelled_at: `case when j.state = 'cancelled' then j.completed_on end`,
    cancellation_reason: 'null::text',
    completion_token: 'null::text',
    failure_streak_code: 'null::text',
    failure_streak_count: '0',
    quarantined_at: 'null::timestamptz',
    progress_percent: 'null::real',
    progress_message: 'null::text',
    request_id: 'null::text',
    trace_id: trace,
    failure_timeline: 'null::jsonb',
    created_at: 'j.created_on',
    updated_at: 'coalesce(j.completed_on, j.started_on, j.created_on)',
    completed_at: `case when j.state in ('completed', 'failed') then j.completed_on end`,
    quarantine_threshold: 'null::integer',
    traceparent: has('trace_context') ? `(j.trace_context ->> 'traceparent')` : 'null::text',
  }
}

/** An SQL expression: the status of a row `j` of `job`. A state that pg-boss may get in later versions is shown by its own name. */
const status = `case j.state when 'created' then 'queued' when 'retry' then 'queued' when 'active' then 'processing' else j.state::text end`

/** An SQL expression: the key of a row of `job` as `keyText` makes it. Few names have anything to encode. */
export const keyOf = (row: string): string => `(${encodedPart(`${row}.name`)} || '/' || ${row}.id::text) collate "C"`

/**
 * The queue from which a dead letter came; empty for every other job. A job counts as a dead letter while a queue names its queue as the dead
 * letter queue. Jobs of all other queues are then counted by an index that does not have this column.
 */
export const sourceOf = (schema: string): string => `case
  when j.source_name is null then ''
  when j.name = any(array(select q.dead_letter from ${schema}.queue q where q.dead_letter is not null)) then j.source_name
  else ''
end`

/** An SQL expression: the job type of a row `j` of `job`. */
export const typeOf = ({ schema, columns }: Pick<Found, 'schema' | 'columns'>): string =>
  columns.has('source_name') ? sourceOf(schema) : `''::text`

/** An SQL expression: when pg-boss takes a running job from its worker. */
const leaseEnd = (columns: ReadonlySet<string>): string =>
  columns.has('heartbeat_seconds') ? `least(${expiresAt(columns)}, ${heartbeatEnd})` : expiresAt(columns)

/** An SQL expression: when the attempt of a running row `j` is over. */
export const expiresAt = (columns: ReadonlySet<string>): string =>
  `${boundedTime('j.started_on')} + ${columns.has('expire_seconds') ? `j.expire_seconds * interval '1 second'` : 'j.expire_in'}`

/** An SQL expression: when the worker of a running row `j` has to have sent another heartbeat. */
export const heartbeatEnd = `${boundedTime('j.heartbeat_on')} + j.heartbeat_seconds * interval '1 second'`

/** An SQL expression: the message of an error as pg-boss stores it. A worker that throws a text, or an expired job, has it in `value`. */
const messageIn = (output: string): string =>
  `coalesce(${output} ->> 'message', ${output} #>> '{value,message}', ${output} ->> 'value')`

/** An SQL expression: the error of the last attempt. The output of a completed job is its result, whatever it looks like. */
const lastError = `case when j.state <> 'completed' then ${messageIn('j.output')} end`

/** An SQL expression: the message of a row `j` that has failed, or waits for another attempt; of a dead letter, that of its source. */
export const failureMessageOf = ({ columns }: Pick<Place, 'columns'>): string =>
  `coalesce(${messageIn('j.output')}${columns.has('source_output') ? `, ${messageIn('j.source_output')}` : ''}, '')`

import { keyText } from '../../../shared/work/job-key.ts'
import { encodedPart, quotedText } from '../parts/sql-text.ts'
import { tableSample } from '../parts/table-sample.ts'
import { payloadText, valuesOf } from './edit.ts'
import { imageOf } from './image.ts'
import type { ValueOfRow } from './map.ts'
import { nativeState, stateColumns, statesOf, statusOf } from './states.ts'
import { columnOf, isText, type Mapped } from './table.ts'
import { endOf, jsonOf, nameOf, numberOf, textOf, timeOf } from './values.ts'

/**
 * The rows of a mapped table with the columns of our `jobs`, their names and their types. Beside them stand `xmin`, `native_id` (the key as
 * the table has it), `native_tid`, `native_live`, `native_state` (its own words, as a text), `native_ended` (the time of the end) and `native_end`
 * (the column that has this time). `native_part` is the partition of the row. `native_image` is what a change may overwrite, and `native_edited` what an edit may overwrite beside it;
 * `native_payload` is the JSON of a payload that the column keeps as a text. `native_1`, `native_2` and so on are the columns that tell the state, so
 * that a condition on one uses its index.
 * @returns SQL of a query in parentheses, without an alias
 */
export const projectionOf = (mapped: Mapped, sample?: number): string =>
  `(select ${columnsOf(mapped, { xmin: 'j.xmin', uuid: `j.${columnOf(mapped.table, mapped.map.key).quoted}::text`, native_tid: 'j.ctid', native_part: 'j.tableoid', native_live: 'true' })} from ${mapped.table.relation} j${tableSample(mapped.table.relation, sample)})`

/** What an index has under another name in the archive. */
interface Own {
  xmin: string
  /** The key as a text. */
  uuid: string
  /** The tid of the row. */
  native_tid: string
  /** The partition in which it lies. */
  native_part: string
  /** Whether the row is of the table itself, whose index has the key; the one of the archive has it as a text. */
  native_live: 'true' | 'false'
}

/** The columns of the projection over a row `j` with the columns of the table, as a list for `select`. */
export const columnsOf = (mapped: Mapped, own: Own): string =>
  Object.entries({ ...own, ...expressionsOf(mapped) })
    .map(([name, expression]) => `${expression} as ${name}`)
    .join(', ')

function expressionsOf(mapped: Mapped): Record<string, string> {
  const { map, table, domain } = mapped
  const key = columnOf(table, map.key)
  const status = statusOf(mapped)
  const time = (name: string | undefined) => (name === undefined ? 'null::timestamptz' : timeOf(mapped, name))
  const ended = endOf(mapped)
  // A state that the map does not tell is left out: the planner then knows the columns that are always null.
  const told = statesOf(map)
  const inState = (states: readonly string[], value: string) => {
    const meant = states.filter((state) => told.includes(state)).map(quotedText)
    return meant.length === 0 ? 'null::timestamptz' : `case when ${status} in (${meant.join(', ')}) then ${value} end`
  }
  const endIf = (...states: string[]) => inState(states, ended)
  const text = (value: ValueOfRow | undefined) => (value ? textOf(mapped, value) : 'null::text')
  const json = (value: ValueOfRow | undefined) => (value ? jsonOf(mapped, value) : 'null::jsonb')
  const number = (value: ValueOfRow | undefined, none: string) => (value ? numberOf(table, value) : none)
  const own = stateColumns(mapped).map((name, at): [string, string] => [
    `native_${at + 1}`,
    `j.${columnOf(table, name).quoted}`,
  ])
  return {
    id: keyOf(mapped),
    native_id: `j.${key.quoted}`,
    native_state: nativeState(mapped),
    native_ended: endIf('completed', 'failed', 'cancelled', 'quarantined'),
    native_end: typeof map.times.ended === 'string' ? `j.${columnOf(table, map.times.ended).quoted}` : 'null',
    native_image: imageOf(mapped, 'j'),
    native_edited: valuesOf(mapped, 'j'),
    native_payload: payloadText(mapped) ?? 'null::text',
    ...Object.fromEntries(own),
    domain: `${quotedText(domain)}::text`,
    queue: nameOf(table, map.queue),
    job_type: nameOf(table, map.job_type ?? ''),
    owner_user_id: text(map.owner),
    project_id: 'null::integer',
    batch_group: text(map.batch_group),
    idempotency_key: 'null::text',
    payload: json(map.payload),
    result: json(map.result),
    status,
    priority: number(map.priority, 'null::integer'),
    max_retries: number(map.max_attempts, 'null::integer'),
    retry_count: number(map.attempts, '0'),
    available_at: time(map.times.due),
    started_at: time(map.times.started),
    acquired_at: time(map.times.started),
    leased_until: map.times.lease === undefined ? time(undefined) : inState(['processing'], time(map.times.lease)),
    lease_id: 'null::text',
    worker_id: text(map.locked_by),
    error_message: text(map.error),
    error_code: 'null::text',
    error_class: 'null::text',
    last_error: text(map.error),
    error_stack: 'null::jsonb',
    cancel_requested_at: 'null::timestamptz',
    cancelled_at: endIf('cancelled'),
    cancellation_reason: 'null::text',
    completion_token: 'null::text',
    failure_streak_code: 'null::text',
    failure_streak_count: '0',
    quarantined_at: endIf('quarantined'),
    progress_percent: 'null::real',
    progress_message: 'null::text',
    request_id: 'null::text',
    trace_id: 'null::text',
    failure_timeline: 'null::jsonb',
    created_at: time(map.times.created),
    updated_at: `coalesce(${[ended, time(map.times.started), time(map.times.created)].join(', ')})`,
    completed_at: endIf('completed', 'failed'),
    quarantine_threshold: 'null::integer',
    traceparent: 'null::text',
  }
}

/** An SQL expression: the key of a job as `keyText` makes it. PostgreSQL matches no pattern where a collation has several texts for one value. */
function keyOf({ map, table }: Mapped): string {
  const key = columnOf(table, map.key)
  const id = `(j.${key.quoted}::text collate "C")`
  const queue =
    typeof map.queue === 'string'
      ? quotedText(keyText({ queue: map.queue, id: '' }))
      : `${encodedPart(`(${nameOf(table, map.queue)} collate "C")`)} || '/'`
  return `(${queue} || ${isText(key) ? encodedPart(id) : id}) collate "C"`
}

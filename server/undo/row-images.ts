import type { RunningChange } from '../bulk/bulk-change.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { staticFragment } from '../database/static-fragment.ts'

/** What operators' changes overwrite. */
const columns = {
  status: 'text',
  available_at: 'timestamptz',
  retry_count: 'integer',
  failure_streak_code: 'text',
  failure_streak_count: 'integer',
  quarantined_at: 'timestamptz',
  leased_until: 'timestamptz',
  lease_id: 'text',
  worker_id: 'text',
  completed_at: 'timestamptz',
  completion_token: 'text',
  cancel_requested_at: 'timestamptz',
  cancelled_at: 'timestamptz',
  cancellation_reason: 'text',
  error_message: 'text',
}

/** Beside them what tells a later pick-up. */
const names = [...Object.keys(columns), 'acquired_at', 'started_at']

/** Those columns of a row of `jobs`, as it is at this place of the statement. */
export const rowImage = (sql: Sql): Fragment =>
  sql.unsafe(`jsonb_build_object(${names.map((name) => `'${name}', jobs.${name}`).join(', ')})`)

/**
 * What gives a row of `jobs` these columns back, as `set` has it. Asked for row by row, since of a join the planner may
 * compare each with each; `from` has one row with its `before`.
 */
export const restoreFromImage = (sql: Sql, from: Fragment): Fragment => {
  const each = Object.entries(columns).map(([name, type]) => `(before ->> '${name}')::${type}`)
  return sql`(${sql.unsafe(Object.keys(columns).join(', '))}) = (select ${sql.unsafe(each.join(', '))} ${from})`
}

/**
 * What was `picked (id, before)`, and what became of it in `moved (id, after)`. A full join is never made row against
 * row, however few the planner takes them for.
 */
export const pickedAndMoved = staticFragment(
  (sql) => sql`
  select id, before, after
  from (select picked.id, before, after from picked full join moved on moved.id = picked.id offset 0) as either
  where after is not null`,
)

/** Keeps what was there at first, for an undo: of rows `(id, before, after)`. */
export const saveRowImages = (sql: Sql, { operation }: RunningChange, rows: Fragment): Fragment => sql`
  insert into job_operation_rows (operation_id, job_id, before, after)
  select ${operation}::bigint, id, before, after
  from (${rows}) as changed
  on conflict (operation_id, job_id) do update set after = excluded.after`

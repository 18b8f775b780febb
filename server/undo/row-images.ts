import { type Fragment, type Sql, staticFragment } from '../database/sql.ts'

/** The columns that every change of rows may overwrite, with their types. */
const overwrittenColumns = {
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

/** Columns that only some changes overwrite, with their types. The images of other changes do not have them. */
const furtherColumns = {
  priority: 'integer',
  error_code: 'text',
  error_class: 'text',
  error_stack: 'jsonb',
  last_error: 'text',
}
export type FurtherColumn = keyof typeof furtherColumns

/** The columns of every image: two more columns show that a worker picked the job up later. */
const imageColumns = [...Object.keys(overwrittenColumns), 'acquired_at', 'started_at']

/**
 * The image of a row of `jobs`, as jsonb: its columns as they are at this place of the statement.
 * @param further the columns that a change overwrites beside those of every image
 */
export const rowImage = (sql: Sql, further: readonly FurtherColumn[] = []): Fragment =>
  sql.unsafe(`jsonb_build_object(${[...imageColumns, ...further].map((name) => `'${name}', jobs.${name}`).join(', ')})`)

const allFurtherColumns = Object.keys(furtherColumns).filter((name): name is FurtherColumn => name in furtherColumns)

/** True for a row of `jobs` whose columns are as in `image`, an SQL expression. */
export const isAsInImage = (sql: Sql, image: Fragment): Fragment => sql`${rowImage(sql, allFurtherColumns)} @> ${image}`

/**
 * The assignments of `update jobs set …` that restore the overwritten columns. `from` is a FROM clause with one row that
 * has the image in `before`. A subquery for each row keeps the planner from a join by nested loops.
 */
export const restoreFromImage = (sql: Sql, from: Fragment): Fragment => {
  const values = Object.entries(overwrittenColumns).map(([name, type]) => `(before ->> '${name}')::${type}`)
  // As text, since a column of another program may have another type.
  const kept = Object.entries(furtherColumns).map(([name, type]) => {
    const value = type === 'jsonb' ? `nullif(before -> '${name}', 'null')::text` : `before ->> '${name}'`
    return `(case when before -> '${name}' is null then jobs.${name}::text else ${value} end)::${type}`
  })
  const names = [...Object.keys(overwrittenColumns), ...allFurtherColumns].join(', ')
  return sql`(${sql.unsafe(names)}) = (select ${sql.unsafe([...values, ...kept].join(', '))} ${from})`
}

/**
 * A query of `(id, before, after)` for updated jobs. Needs the CTEs `picked (id, before)` and `updated (id, after)`. A full
 * join is never a nested loop, however few rows the planner expects.
 */
export const pickedAndUpdated = staticFragment(
  (sql) => sql`
  select id, before, after
  from (select picked.id, before, after from picked full join updated on updated.id = picked.id offset 0) as either
  where after is not null`,
)

/** An INSERT that keeps the images of `rows (id, before, after)` for an undo; the first `before` of a job stays. */
export const saveRowImages = (sql: Sql, { operation }: { operation: number }, rows: Fragment): Fragment => sql`
  insert into job_operation_rows (operation_id, job_ref, before, after)
  select ${operation}::bigint, id, before, after
  from (${rows}) as changed
  on conflict (operation_id, job_ref) where job_ref is not null do update set after = excluded.after`

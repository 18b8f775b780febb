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
  max_retries: 'integer',
  owner_user_id: 'text',
  batch_group: 'text',
  job_type: 'text',
}

/** Only an edit overwrites it. The image has its text, so that JSON null and a column without a value differ, and every digit stays. */
const payload = 'payload'
export type FurtherColumn = keyof typeof furtherColumns | typeof payload

/** The columns of every image: two more columns show that a worker picked the job up later. */
const imageColumns = [...Object.keys(overwrittenColumns), 'acquired_at', 'started_at']

/**
 * The image of a row of `jobs`, as jsonb: its columns as they are at this place of the statement.
 * @param further the columns that a change overwrites beside those of every image
 */
export const rowImage = (sql: Sql, further: readonly FurtherColumn[] = []): Fragment =>
  sql.unsafe(
    `jsonb_build_object(${[...imageColumns, ...further].map((name) => `'${name}', ${keptValue(name)}`).join(', ')})`,
  )

const keptValue = (name: string): string => (name === payload ? 'jobs.payload::text' : `jobs.${name}`)

const allFurtherColumns = Object.keys(furtherColumns).filter(
  (name): name is keyof typeof furtherColumns => name in furtherColumns,
)

/** True for a row of `jobs` whose columns are as in `image`, an SQL expression. */
export const isAsInImage = (sql: Sql, image: Fragment): Fragment => sql`(
  ${rowImage(sql, allFurtherColumns)} @> ((${image}) - 'payload')
  and case
    when (${image}) ? 'payload' then jobs.payload::text is not distinct from (${image}) ->> 'payload'
    else true
  end
)`

/**
 * The assignments of `update jobs set …` that restore the overwritten columns. `from` is a FROM clause with one row that
 * has the image in `before`. A subquery for each row keeps the planner from a join by nested loops.
 * @param withPayload true for an edit whose images have the payload. Other changes leave it alone: PostgreSQL would write a column of the
 * type json again.
 */
export const restoreFromImage = (sql: Sql, from: Fragment, withPayload: boolean): Fragment => {
  const values = Object.entries(overwrittenColumns).map(([name, type]) => `(before ->> '${name}')::${type}`)
  // As text, since a column of another program may have another type.
  const kept = Object.entries(furtherColumns).map(([name, type]) => {
    const value = type === 'jsonb' ? `nullif(before -> '${name}', 'null')::text` : `before ->> '${name}'`
    return `(case when before -> '${name}' is null then jobs.${name}::text else ${value} end)::${type}`
  })
  // A text of json goes into a column of either type; into one of the type json with every byte.
  if (withPayload)
    kept.push(`(case when before ? 'payload' then before ->> 'payload' else jobs.payload::text end)::json`)
  const names = [...Object.keys(overwrittenColumns), ...allFurtherColumns, ...(withPayload ? [payload] : [])].join(', ')
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

import * as z from 'zod'

/** The states of ours that a map may name. */
const mappedStates = ['queued', 'processing', 'completed', 'failed', 'cancelled', 'quarantined'] as const
export type MappedState = (typeof mappedStates)[number]

/** The states of jobs that a prune deletes. */
const endedStates = ['completed', 'failed', 'cancelled', 'quarantined'] as const

/** A word of PostgreSQL: at most 63 bytes, of which one character has up to 4. */
const Name = z.string({ error: 'must be a name' }).min(1, 'must be a name').max(63, 'must be a name')
const Literal = z.union([z.string(), z.number(), z.boolean()], {
  error: 'must be a text, a whole number, true or false',
})
/** Keys and places of items, by which a value is reached within JSON or an array; -1 is the last item. */
const At = z.array(z.union([z.string(), z.number().int()], { error: 'must be a key or the number of an item' })).min(1)

/** A column of the table. */
const Column = z.strictObject(
  { column: Name, at: At.optional() },
  { error: 'must be {column: name}, or {column: name, at: [key, …]}' },
)
/** A column of the table, or of the newest row of another one that belongs to the job. */
const ColumnOfRow = z.strictObject(
  {
    column: Name,
    at: At.optional(),
    from: Name.describe('another table').optional(),
    where: z
      .record(Name, Name)
      .describe('columns of the other table, and those of the job that they are equal to')
      .optional(),
    newest: Name.describe('the column of the other table whose largest value is the newest row').optional(),
  },
  {
    error:
      'must be {column: name}, or {column: name, from: table, where: {their_column: column}, newest: their_column}',
  },
)
const Named = z.union(
  [
    z.string().min(1),
    z.strictObject({
      column: Name,
      at: At.optional(),
      none: z.string().min(1).describe('the name of jobs whose column is null or empty').optional(),
    }),
  ],
  { error: 'must be a text for all jobs, {column: name}, or {column: name, none: name of jobs without one}' },
)
export type Named = z.output<typeof Named>

/** What a column is compared with. `null` and `not null` are the words of SQL. */
const Test = z.union(
  [
    Literal,
    z.null(),
    z.array(Literal).min(1, 'must have a value'),
    z.strictObject({ before: z.literal('now()') }),
    z.strictObject({ after: z.literal('now()') }),
  ],
  { error: 'must be a value, a list of values, null, "not null", {before: now()} or {after: now()}' },
)
export type Test = z.output<typeof Test>

/** All columns together. */
const Condition = z.record(Name, Test, { error: 'must be a map from columns to values, such as {state: 0}' })
const Conditions = z.union([Condition, z.array(Condition).min(1, 'must have a condition')], {
  error: 'must be a map from columns to values, such as {state: 0}, or a list of such maps',
})
const State = z.enum(mappedStates, { error: `must be one of ${mappedStates.join(', ')}` })

const StateByValue = z.strictObject({
  column: Name,
  map: z.record(z.string(), State, { error: 'must be a map from values to states, such as {0: queued}' }),
})
const statusForms =
  'must be {column: name, map: {value: state}}, or a map from states to conditions, such as {queued: {state: 0}}'
const StateByConditions = z.partialRecord(State, Conditions, { error: statusForms })

const Time = Name
const Times = z.strictObject(
  {
    created: Time,
    due: Time.optional(),
    started: Time.optional(),
    lease: Time.optional(),
    ended: z.union([Time, z.array(Time).min(1)], { error: 'must be a column, or a list of columns' }).optional(),
  },
  { error: 'must be a map with created, and with due, started, lease and ended where the table has them' },
)

/** What columns become. `now()` is the time of the change. */
const Assignments = z.record(
  Name,
  z.union([Literal, z.null()], { error: 'must be a value, now() or null: a map has no SQL' }),
  { error: 'must be a map from columns to values, such as {state: 0}' },
)

const pruneForm = 'must be [completed, …], a list of states'

/** How the rows of somebody's table are jobs. */
export const JobsMap = z.strictObject(
  {
    domain: z.string().min(1).max(200).optional(),
    table: z.string({ error: 'must be a table, such as app.email_jobs' }).min(1).max(200),
    key: Name,
    queue: Named,
    job_type: Named.optional(),
    status: z.unknown(),
    times: Times,
    zone: z.string().optional(),
    error: ColumnOfRow.optional(),
    owner: ColumnOfRow.optional(),
    payload: ColumnOfRow.optional(),
    result: ColumnOfRow.optional(),
    priority: Column.optional(),
    attempts: Column.optional(),
    max_attempts: Column.optional(),
    locked_by: Column.optional(),
    batch_group: Column.optional(),
    lock_version: Name.optional(),
    retry: z.strictObject({ set: Assignments }, { error: 'must be {set: {column: value}}' }).optional(),
    cancel: z.strictObject({ set: Assignments }, { error: 'must be {set: {column: value}}' }).optional(),
    prune: z
      .strictObject(
        {
          of: z
            .array(z.enum(endedStates, { error: `must be one of ${endedStates.join(', ')}` }), { error: pruneForm })
            .min(1, pruneForm),
        },
        { error: 'must be {of: [completed, …]}' },
      )
      .optional(),
    foreign_keys: z.literal('refuse', { error: 'must be refuse: rows of other tables are never touched' }).optional(),
    look_only: z.boolean({ error: 'must be true or false' }).optional(),
  },
  { error: 'must be a map with table, key, queue, status and times' },
)

/** A file with the maps of several tables. */
export const Several = z.strictObject({
  tables: z
    .array(z.unknown(), { error: 'must be a list of maps, each of one table' })
    .min(1, 'must be a list of maps, each of one table')
    .max(50, 'has more than 50 tables'),
})

export type JobsMap = Omit<z.output<typeof JobsMap>, 'status'> & { status: Status }

/** The state of a job: by the value of one column, or by the first conditions that are true. */
export type Status =
  | { column: string; states: [value: string, state: MappedState][] }
  | { when: [state: MappedState, condition: Readonly<Record<string, Test>>][] }

export type ValueOfRow = z.output<typeof ColumnOfRow>
export type Assigned = z.output<typeof Assignments>

/**
 * Reads the state from a map. A map with `column` and `map` goes by the value of one column, every other one by conditions in its order.
 */
export function readStatus(value: unknown): z.ZodSafeParseResult<Status> {
  const byValue = typeof value === 'object' && value !== null && 'column' in value && 'map' in value
  if (byValue)
    return StateByValue.transform(({ column, map }): Status => ({ column, states: Object.entries(map) })).safeParse(
      value,
      { reportInput: true },
    )
  return StateByConditions.transform(
    (states): Status => ({
      when: mappedPairs(states).flatMap(([state, conditions]) =>
        [conditions].flat().map((condition): [MappedState, Readonly<Record<string, Test>>] => [state, condition]),
      ),
    }),
  )
    .refine((status) => 'when' in status && status.when.length > 0, {
      error: statusForms,
    })
    .safeParse(value, { reportInput: true })
}

const mappedPairs = (states: z.output<typeof StateByConditions>) =>
  Object.keys(states).flatMap((name) => {
    const state = mappedStates.find((one) => one === name)
    const conditions = state && states[state]
    return state && conditions ? [[state, conditions] as const] : []
  })

import { hasCode } from '../database/errors/error-meanings.ts'
import { isAccessRefused } from '../database/errors/failure.ts'
import type { Pool, Sql } from '../database/sql.ts'
import { limitIdleTime } from '../database/timeouts.ts'
import { countTriggers, isCountable, partitionedTables, partitionTriggers } from './trust.ts'

/** Triggers of `jobs` that append to a table of the server. Each has a function of its name. */
export interface TriggerSet {
  /** The timing and event of each trigger by its name. */
  triggers: Readonly<Record<string, string>>
  /** The table to which the functions append, and the one by which they know whether to append. */
  appendsTo: string
  reads: string
}

/** A table that gets triggers; the name is quoted for SQL. */
export interface TriggeredTable {
  oid: number
  name: string
}

const countTriggerSet: TriggerSet = {
  triggers: { ...countTriggers, ...partitionTriggers },
  appendsTo: 'jobsctl_count_deltas',
  reads: 'jobsctl_counting',
}

/** A trigger function that cannot write its table; the names are quoted for SQL. */
interface BrokenFunction {
  trigger: string
  called: string
  schema: string
  /** The owner of the table that the function writes to. */
  owner: string
}

/** Trigger functions that do not find their tables, or may not write them: the schema was renamed, or a table has another owner. */
const findBroken = (sql: Pool, { triggers, appendsTo, reads }: TriggerSet) => sql<BrokenFunction[]>`
  select
    quote_ident(proname) as trigger, format('%I.%I()', nspname, proname) as called, quote_ident(nspname) as schema,
    quote_ident(pg_get_userbyid(relowner)) as owner
  from pg_proc
  join pg_namespace on pg_namespace.oid = pronamespace
  join pg_class on pg_class.oid = to_regclass(${appendsTo})
  where pg_proc.oid = any(select to_regproc(name) from unnest(${Object.keys(triggers)}::text[]) as name)
    and (
      (proconfig @> array[format('search_path=%I, pg_temp', nspname)]) is not true
      or not has_table_privilege(proowner, to_regclass(${appendsTo}), 'insert')
      or not has_table_privilege(proowner, to_regclass(${reads}), 'select')
    )`

interface Repairing {
  /** The tables that have the triggers, as quoted names. */
  tables: readonly string[]
  /** Called with what was changed, once it stays. */
  noteMade: (name: string) => void
}

/**
 * Repairs trigger functions that cannot write their tables, because with them no program can write jobs. Where the role may not
 * repair a function, its triggers are dropped.
 * @throws PostgreSQL's error for a function that could not be repaired
 */
export async function repairFunctions(sql: Pool, set: TriggerSet, { tables, noteMade }: Repairing): Promise<void> {
  const broken = await findBroken(sql, set)
  if (broken.length === 0) return
  let why: unknown
  for (const { called, schema, owner } of broken) {
    await sql
      .begin(async (tx) => {
        await tx.unsafe(`alter function ${called} set search_path = ${schema}, pg_temp`)
        await tx.unsafe(`alter function ${called} owner to ${owner}`)
      })
      .then(() => noteMade(`the repair of ${called}`))
      .catch((error: unknown) => {
        why = error
      })
  }
  const remaining = await findBroken(sql, set)
  for (const { trigger } of remaining)
    for (const table of tables) {
      const [there] = await sql`
        select from pg_trigger where tgrelid = to_regclass(${table}::text) and quote_ident(tgname) = ${trigger}::text`
      if (!there) continue
      await sql.unsafe(`drop trigger if exists ${trigger} on ${table}`)
      noteMade(`the drop of the trigger ${trigger} on ${table}`)
    }
  if (remaining[0]) throw why ?? new Error(`${remaining[0].called} may not write ${set.appendsTo}`)
}

/**
 * Repairs the functions of the counts, and creates their triggers on `jobs` and its partitions, where they can count.
 * @param noteMade called with what was made, once it stays
 */
export async function makeCountTriggers(sql: Pool, noteMade: (name: string) => void = () => {}): Promise<void> {
  const tables = await countedTables(sql)
  const names = new Set(['jobs', ...tables.map(({ name }) => name)])
  await repairFunctions(sql, countTriggerSet, { tables: [...names], noteMade })
  for (const table of tables)
    if (await createTriggers(sql, table.triggers, table))
      noteMade(table.name === 'jobs' ? 'the triggers of the counts' : `the triggers of the counts on ${table.name}`)
}

/** @throws Error that says what to type, where triggers are missing */
export async function requireCountTriggers(sql: Sql): Promise<void> {
  for (const table of await countedTables(sql)) await requireTriggers(sql, table)
}

/** A table with the triggers that count it. */
interface CountedTable extends TriggeredTable {
  triggers: TriggerSet['triggers']
}

/** The table `jobs` and its partitions, where triggers can count them. */
export async function countedTables(sql: Sql): Promise<CountedTable[]> {
  const [{ jobs, tables }] = await sql<[{ jobs: number | null; tables: number[] }]>`
    select case when ${isCountable(sql)} then to_regclass('jobs')::oid::bigint end as jobs, ${partitionedTables(sql)}::bigint[] as tables`
  if (jobs === null) return []
  if (tables.length === 0) return [{ oid: jobs, name: 'jobs', triggers: countTriggers }]
  const named = await sql<TriggeredTable[]>`
    select pg_class.oid::bigint as oid, format('%I.%I', nspname, relname) as name
    from pg_class
    join pg_namespace on pg_namespace.oid = relnamespace
    where pg_class.oid = any(${`{${tables.join(',')}}`}::text::oid[])
    order by pg_class.oid`
  return named.map(({ oid, name }) => ({ oid, name: oid === jobs ? 'jobs' : name, triggers: partitionTriggers }))
}

/**
 * Creates the triggers that are missing, and lets them fire always, which includes the writes of a replication. A trigger
 * that somebody has disabled stays disabled.
 * @returns true where it has made or altered one
 * @throws PostgreSQL's error, for example when this role may not create triggers on the table of another role
 */
export async function createTriggers(
  sql: Pool,
  triggers: TriggerSet['triggers'],
  { oid, name: table }: TriggeredTable,
): Promise<boolean> {
  const { create, enable } = await triggerStatements(sql, triggers, { oid, name: table })
  if (create.length + enable.length === 0) return false
  return sql.begin(async (tx) => {
    // A statement that waits for a table lock makes every later statement on this table wait, too.
    await tx`select set_config('lock_timeout', '200ms', true), ${limitIdleTime(tx)}`
    const results: unknown[] = []
    for (const statement of create)
      results.push(await tx.savepoint((point) => point.unsafe(statement)).catch(ignoreExisting))
    for (const statement of enable)
      results.push(await tx.savepoint((point) => point.unsafe(statement)).catch(ignoreMissingRight))
    return results.some((result) => result !== undefined)
  })
}

/** The statements that create the triggers which a table lacks, and that let them fire always; none where it has them. */
export async function triggerStatements(
  sql: Sql,
  triggers: TriggerSet['triggers'],
  { oid, name: table }: TriggeredTable,
): Promise<{ create: string[]; enable: string[] }> {
  const existing = await sql<{ name: string; fires: string }[]>`
    select tgname as name, tgenabled as fires from pg_trigger where tgrelid = ${oid}::bigint::oid and not tgisinternal`
  const missing = Object.entries(triggers).filter(([name]) => !existing.some((trigger) => trigger.name === name))
  const notAlways = existing
    .filter(({ name, fires }) => Object.hasOwn(triggers, name) && fires === 'O')
    .map(({ name }) => name)
  return {
    create: missing.map(
      ([name, when]) =>
        `create trigger ${name} ${when.replace(' on jobs', () => ` on ${table}`)} execute function ${name}()`,
    ),
    enable: [...missing.map(([name]) => name), ...notAlways].map(
      (name) => `alter table ${table} enable always trigger ${name}`,
    ),
  }
}

/**
 * Looks whether a table has its triggers, and makes nothing (`JOBS_MIGRATE=false`).
 * @throws Error that says what to type
 */
export async function requireTriggers(sql: Sql, table: TriggeredTable & Pick<TriggerSet, 'triggers'>): Promise<void> {
  const { create } = await triggerStatements(sql, table.triggers, table)
  if (create.length > 0)
    throw new Error(
      `${table.name} lacks triggers, and JOBS_MIGRATE=false makes none: jobs-server migrate, as the owner of the tables`,
    )
}

/** Another server may have created the trigger since this one looked. */
function ignoreExisting(error: unknown): void {
  if (!hasCode(error, ['42710'])) throw error
}

/** A role may be allowed to create triggers and not to alter the table. */
function ignoreMissingRight(error: unknown): void {
  if (!isAccessRefused(error)) throw error
}

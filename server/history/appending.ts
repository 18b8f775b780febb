import {
  createTriggers,
  repairFunctions,
  requireTriggers,
  type TriggeredTable,
  type TriggerSet,
} from '../counts/triggers.ts'
import type { Pool, Sql } from '../database/sql.ts'

/** The triggers that append transitions (`migrations/0034_history.sql`, `0051_history_of_few.sql`). */
export const historyTriggers: TriggerSet = {
  triggers: {
    jobsctl_history_insert: 'after insert on jobs referencing new table as fresh for each statement',
    jobsctl_history_update: 'after update on jobs referencing old table as gone new table as fresh for each statement',
  },
  appendsTo: 'jobsctl_transitions',
  reads: 'jobsctl_history',
}

/**
 * Lets the triggers append for another hour, and creates those that are missing, where `makes` is set. The time since they have stopped, because no
 * server ran or history was off, is noted as a gap.
 * @throws PostgreSQL's error, for example when this role may not create triggers on the table of another role
 */
export async function startAppending(sql: Pool, { makes }: { makes: boolean }): Promise<void> {
  const tables = await tablesOfJobs(sql)
  if (makes) await makeHistoryTriggers(sql, tables)
  else for (const table of tables) await requireTriggers(sql, { ...table, ...historyTriggers })
  await extend(
    sql,
    tables.map(({ oid }) => oid),
  )
}

/**
 * Repairs the functions of the history, and creates the triggers that are missing.
 * @param noteMade called with what was made, once it stays
 */
export async function makeHistoryTriggers(
  sql: Pool,
  tables: readonly TriggeredTable[],
  noteMade: (name: string) => void = () => {},
): Promise<void> {
  await repairFunctions(sql, historyTriggers, { tables: tables.map(({ name }) => name), noteMade })
  for (const table of tables)
    if (await createTriggers(sql, historyTriggers.triggers, table))
      noteMade(`the triggers of the history on ${table.name}`)
}

/** A statement that names a partition fires the triggers of this partition alone, so that each one has its own. */
export const tablesOfJobs = (sql: Sql) => sql<TriggeredTable[]>`
  with recursive tree as (
    select to_regclass('jobs')::oid as id
    union
    select inhrelid from tree join pg_inherits on inhparent = tree.id
  )
  select pg_class.oid::bigint as oid, format('%I.%I', nspname, relname) as name
  from tree
  join pg_class on pg_class.oid = tree.id
  join pg_namespace on pg_namespace.oid = relnamespace
  where relkind in ('r', 'p')
  order by pg_class.oid`

const extend = (sql: Sql, tables: readonly number[]) => sql`
  with known as materialized (select until from jobsctl_history for update),
  gap as (
    insert into jobsctl_history_gaps (began, ended)
    select until, now() from known where until > '-infinity' and until < now()
    on conflict (began) do nothing
  )
  update jobsctl_history as history
  set until = now() + interval '1 hour', since = coalesce(since, now()), tables = ${listOf(tables)}::text::oid[]
  -- The update reads what is known: otherwise it would run first, and the locked row would be gone.
  from known
  where known.until < now() + interval '50 minutes' or history.tables <> ${listOf(tables)}::text::oid[]`

const listOf = (oids: readonly number[]): string => `{${oids.join(',')}}`

/** The triggers append nothing from now on. */
export const stopAppending = (sql: Sql) => sql`update jobsctl_history set until = now() where until > now()`

import type { Log } from '../../log/log.ts'
import type { Connection } from '../sql.ts'
import { findAbsent } from './absent-before.ts'
import { buildIndexes } from './indexes.ts'
import type { IndexMode } from './left-indexes.ts'
import { addMade, isNoted, migrationsTable } from './migration-script.ts'
import type { Migration } from './migrations.ts'
import type { PendingMigration } from './pending-migrations.ts'
import { findMissing, listOfObjects, type SchemaObject } from './schema-diff.ts'
import type { NoteMade } from './what-stays.ts'

interface Applying {
  log: Log
  /** The schema of the tables, as a quoted name. */
  schema: string
  mode: IndexMode
  /** Called when only indexes are left that may take long to build. */
  tablesReady: () => void
  /** Called with the name of a migration of tables that has made something, or of an index, once it stays. */
  applied: NoteMade
}

/**
 * Runs one migration and records it: tables in one transaction, indexes one by one outside of a transaction.
 * @throws the database's own error; a migration of tables changes nothing then, and indexes that are built stay
 */
export async function applyMigration(
  connection: Connection,
  migration: PendingMigration,
  applying: Applying,
): Promise<void> {
  const { log, schema, applied } = applying
  const { name, missing, concurrent } = migration
  log.info(`migration ${name}`, missing.length > 0 ? { missing: listOfObjects(missing) } : {})
  if (concurrent) {
    await buildIndexes(connection, migration, applying)
    await recordAsApplied(connection, migration)
    return
  }
  await connection`begin`
  let left: SchemaObject[]
  try {
    await runInTransaction(connection, migration, schema)
    left = await findMissing(connection, migration.makes)
    await connection`commit`
  } catch (error) {
    await connection`rollback`.catch(() => {})
    throw error
  }
  // A migration that runs again makes nothing where the role has the right to none of what is missing.
  if (missing.length === 0 || left.length < missing.length) applied(name)
  warnOfMissing(left, log)
}

/** Tells what the migration left out, because it belongs to a table of another role. */
function warnOfMissing(left: readonly SchemaObject[], log: Log): void {
  const columns = left.filter(({ kind }) => kind !== 'trigger')
  if (columns.length > 0)
    log.warn(
      `the database role may not add columns that tables of other programs lack: ${listOfObjects(columns)}; or another session holds the table, and the next start adds them`,
    )
  for (const { name, of } of left.filter(({ kind }) => kind === 'trigger'))
    log.warn(
      `the database role may not make the trigger ${name} on ${of}, so updated_at stays as it is when the server changes a job: start the server once as a member of the role that owns the table`,
    )
}

async function runInTransaction(connection: Connection, migration: Migration, schema: string): Promise<void> {
  // Every statement that comes after a waiting table lock waits too; so does every one while this server is frozen.
  await connection`set local lock_timeout = '200ms'`
  // Function bodies and DO blocks name no schema: their names belong to the schema of the tables.
  await connection.unsafe(`set local search_path = ${schema}, pg_temp`)
  await connection`set local idle_in_transaction_session_timeout = '10s'`
  await connection.unsafe(migrationsTable)
  const made = await findAbsent(connection, migration)
  await connection.unsafe(migration.text)
  if (!isNoted(migration, made)) return void (await recordAsApplied(connection, migration))
  await connection`
    insert into jobsctl_migrations (number, name, made)
    values (${migration.number}, ${migration.name}, ${JSON.stringify(made)}::text::jsonb)
    ${connection.unsafe(addMade)}`
}

const recordAsApplied = (connection: Connection, { number, name }: Migration) => connection`
  insert into jobsctl_migrations (number, name) values (${number}, ${name}) on conflict do nothing`

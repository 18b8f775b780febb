import { setTimeout as wait } from 'node:timers/promises'
import type { Log } from '../../log/log.ts'
import { isConnectionLost } from '../errors/failure.ts'
import type { Connection, Pool } from '../sql.ts'
import { removeTimeouts } from '../timeouts.ts'
import { applyMigration } from './apply-migration.ts'
import { refuseOddTypes } from './column-types.ts'
import type { IndexMode } from './left-indexes.ts'
import { withMigrationLock } from './migration-lock.ts'
import { allMigrations, type Migration } from './migrations.ts'
import { findBuildableIndexes } from './missing-indexes.ts'
import { findPending, type PendingMigration } from './pending-migrations.ts'
import type { NoteMade } from './what-stays.ts'

interface Options {
  sql: Pool
  log: Log
  /** The schema in which the tables are, or will be made, as a quoted name. */
  schema: string
  /** Leave the indexes to a server: a short command does not wait for them. */
  tablesOnly?: boolean
  /** Who builds indexes of tables that have rows; by default the server below 10 GB a table. */
  mode?: IndexMode
  /** A pooler in transaction mode is in between: it gives each transaction another connection, so none can be set up. */
  pooled: boolean
  /** Called when the tables are as this version needs them; indexes may still be missing. */
  tablesReady: () => void
  /** Called with the name of each migration of tables, and of each index, when it is made: it stays, whatever becomes of those that follow. */
  applied?: NoteMade
}

const lookAgainAfterMs = 200

/**
 * Brings the schema up to date: makes what has never been made, and what is missing again. Several servers may call it
 * at once: one works, and the others look again until nothing is left to do. The next start continues an interrupted
 * migration.
 * @throws Failure `usage` for columns of other programs with types that do not fit; the database's own error, and migrations
 * that ran before it stay
 */
export async function migrate({
  sql,
  log,
  schema,
  tablesOnly = false,
  mode = 'auto',
  pooled,
  tablesReady,
  applied = () => {},
}: Options): Promise<void> {
  const migrations = (await allMigrations()).filter(({ concurrent }) => !(tablesOnly && concurrent))
  await refuseOddTypes(
    sql,
    migrations.flatMap(({ makes }) => makes),
  )
  for (let waited = false; ; waited = true) {
    const pending = await findPending(sql, migrations)
    if (pending.every(({ concurrent }) => concurrent)) tablesReady()
    if (pending.length === 0) return
    const applying = { sql, log, schema, migrations, mode, pooled, tablesReady, applied }
    if (await withMigrationLock(sql, () => applyPending(applying))) return
    if (!waited) log.info('waiting for another server that is migrating this database')
    await wait(lookAgainAfterMs)
  }
}

interface Applying extends Required<Omit<Options, 'tablesOnly'>> {
  migrations: Migration[]
}

async function applyPending({ sql, migrations, pooled, ...applying }: Applying): Promise<void> {
  const connection = await sql.reserve()
  try {
    if (!pooled) await removeTimeouts(connection)
    await applyInOrder(connection, { ...applying, pending: await findPending(connection, migrations) })
    if (migrations.some(({ concurrent }) => concurrent)) await warnOfLeft(connection, applying.log)
  } finally {
    connection.release()
  }
}

/** Names the indexes that the server has left to the operator. */
async function warnOfLeft(connection: Connection, log: Log): Promise<void> {
  const left = (await findBuildableIndexes(connection)).map(({ name }) => name)
  if (left.length === 0) return
  log.warn(
    `${left.length} indexes are left to the operator, and calls that need them are slow or refused: jobs-server indexes plan lists what each serves and costs`,
    { indexes: left.join(', ') },
  )
}

interface Ordered extends Pick<Required<Options>, 'log' | 'schema' | 'mode' | 'tablesReady' | 'applied'> {
  pending: PendingMigration[]
}

/** Tables come first. An index that cannot be built does not keep the other indexes from being built. */
async function applyInOrder(connection: Connection, { pending, ...applying }: Ordered): Promise<void> {
  let unbuilt: unknown
  for (const migration of pending) {
    try {
      await applyMigration(connection, migration, applying)
    } catch (error) {
      if (!migration.concurrent || isConnectionLost(error)) throw error
      unbuilt = error
    }
  }
  applying.tablesReady()
  if (unbuilt) throw unbuilt
}

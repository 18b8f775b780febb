import { setTimeout as wait } from 'node:timers/promises'
import type { Log } from '../../log.ts'
import { isConnectionLost } from '../errors/failure.ts'
import type { Pool, Session } from '../sql.ts'
import { applyMigration } from './apply-migration.ts'
import { refuseOddTypes } from './column-types.ts'
import { withMigrationLock } from './migration-lock.ts'
import { allMigrations, type Migration } from './migrations.ts'
import { findPending, type PendingMigration } from './pending-migrations.ts'

interface Options {
  sql: Pool
  log: Log
  /** The schema in which the tables are, or will be made, as a quoted name. */
  schema: string
  /** Leave the indexes to a server: a short command does not wait for them. */
  tablesOnly?: boolean
  /** A pooler in transaction mode is in between: it gives each transaction another session, so none can be set up. */
  pooled: boolean
  /** Called when the tables are as this version needs them; indexes may still be missing. */
  tablesReady: () => void
}

const lookAgainAfterMs = 200

/**
 * Brings the schema up to date: makes what has never been made, and what is missing again. Several servers may call it
 * at once: one works, and the others look again until nothing is left to do. The next start continues an interrupted
 * migration.
 * @throws Failure `usage` for columns of other programs with types that do not fit; the database's own error, and migrations
 * that ran before it stay
 */
export async function migrate({ sql, log, schema, tablesOnly = false, pooled, tablesReady }: Options): Promise<void> {
  const migrations = (await allMigrations()).filter(({ concurrent }) => !(tablesOnly && concurrent))
  await refuseOddTypes(
    sql,
    migrations.flatMap(({ makes }) => makes),
  )
  for (let waited = false; ; waited = true) {
    const pending = await findPending(sql, migrations)
    if (pending.every(({ concurrent }) => concurrent)) tablesReady()
    if (pending.length === 0) return
    if (await withMigrationLock(sql, () => applyPending({ sql, log, schema, migrations, pooled, tablesReady }))) return
    if (!waited) log.info('waiting for another server that is migrating this database')
    await wait(lookAgainAfterMs)
  }
}

interface Applying extends Omit<Options, 'tablesOnly'> {
  migrations: Migration[]
}

async function applyPending({ sql, log, schema, migrations, pooled, tablesReady }: Applying): Promise<void> {
  const session = await sql.reserve()
  try {
    if (!pooled) await removeTimeouts(session)
    await applyInOrder(session, { pending: await findPending(session, migrations), log, schema, tablesReady })
  } finally {
    session.release()
  }
}

interface Ordered {
  pending: PendingMigration[]
  log: Log
  schema: string
  tablesReady: () => void
}

/** Tables come first. An index that cannot be built does not keep the other indexes from being built. */
async function applyInOrder(session: Session, { pending, log, schema, tablesReady }: Ordered): Promise<void> {
  let unbuilt: unknown
  for (const migration of pending) {
    await applyMigration(session, migration, { log, schema, tablesReady }).catch((error: unknown) => {
      if (!migration.concurrent || isConnectionLost(error)) throw error
      unbuilt = error
    })
  }
  tablesReady()
  if (unbuilt) throw unbuilt
}

/** An index on a large table takes long to build, and waits for every transaction that uses the table. */
const removeTimeouts = (session: Session) =>
  session`select set_config(name, '0', false) from (values ('statement_timeout'), ('lock_timeout')) as limits (name)`

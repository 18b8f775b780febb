import { setTimeout as wait } from 'node:timers/promises'
import type { Log } from '../log.ts'
import { isConnectionLost } from './failure.ts'
import { buildIndexes } from './indexes.ts'
import { allMigrations, type Migration } from './migrations.ts'
import { findMissing, listOfObjects, type SchemaObject } from './schema-diff.ts'
import type { Pool, Session, Sql } from './sql.ts'

interface Options {
  sql: Pool
  log: Log
  /** Where the tables are, or will be: a quoted name. */
  schema: string
  /** Leave the indexes to a server: a short command does not wait for them. */
  tablesOnly?: boolean
  /** A pooler stands in between, which hands each statement to another session: none may be set up. */
  pooled: boolean
  /** Called once the tables are as this version needs them; indexes may still be on their way. */
  tablesReady: () => void
}

/**
 * Brings the schema up to date: what has never been made, and what is missing again. Safe to run from several servers at
 * once: one works, the others look again until there is nothing left to do. What is interrupted is taken up by the next
 * start.
 * @throws the database's own error; what was done before it stays done
 */
export async function migrate({ sql, log, schema, tablesOnly = false, pooled, tablesReady }: Options): Promise<void> {
  const migrations = (await allMigrations()).filter(({ concurrent }) => !(tablesOnly && concurrent))
  for (let waited = false; ; waited = true) {
    const pending = await pendingOf(sql, migrations)
    if (pending.every(({ concurrent }) => concurrent)) tablesReady()
    if (pending.length === 0) return
    if (await alone(sql, () => applyAll({ sql, log, schema, migrations, pooled, tablesReady }))) return
    if (!waited) log.info('another server is migrating this database; waiting for it')
    await wait(200)
  }
}

/** Whether nothing is missing without which no call can be answered. Other programs' tables may lack a column. */
export async function isSchemaComplete(sql: Sql): Promise<boolean> {
  const needed = (await allMigrations()).flatMap(({ number, makes }) =>
    makes.filter(({ kind, of }) => kind === 'column' && (of === 'jobs' || number > 1)),
  )
  return (await findMissing(sql, needed)).length === 0
}

/** So long a server may be frozen that holds the lock; and how often it says that it is not. */
const mostSilence = '1min'
const renewEveryMs = 15_000

/**
 * Works while no other server does, else returns false. A transaction of its own holds the lock: a session's would stay
 * behind in a pooler. It waits outside PostgreSQL, since an index built concurrently waits for all who hold a snapshot.
 */
async function alone(sql: Pool, work: () => Promise<void>): Promise<boolean> {
  if (sql.options.max === 1) {
    await work() // the embedded database, which is one server's alone, and has one session
    return true
  }
  // A stricter isolation, which a database may have for its default, keeps its snapshot to the end.
  return sql.begin('isolation level read committed', async (tx) => {
    const [lock] = await tx<{ held: boolean }[]>`
      select pg_try_advisory_xact_lock(hashtext('jobsctl migrations')) as held`
    if (!lock?.held) return false
    // Last, since PostgreSQL keeps the snapshot of a query until the session's next command; this one takes none.
    const renew = () => tx.unsafe(`set local idle_in_transaction_session_timeout = '${mostSilence}'`)
    await renew()
    const renewing = setInterval(() => void renew().catch(() => {}), renewEveryMs)
    await work().finally(() => clearInterval(renewing))
    return true
  })
}

interface Applying extends Omit<Options, 'tablesOnly'> {
  migrations: Migration[]
}

async function applyAll({ sql, log, schema, migrations, pooled, tablesReady }: Applying): Promise<void> {
  const session = await sql.reserve()
  try {
    // An index on a large table takes its time, and waits for whoever uses the table.
    if (!pooled)
      await session`select set_config(name, '0', false) from (values ('statement_timeout'), ('lock_timeout')) as limits (name)`
    let unbuilt: unknown
    for (const migration of await pendingOf(session, migrations)) {
      if (migration.concurrent) tablesReady()
      await apply(session, migration, { log, schema }).catch((error: unknown) => {
        // An index that cannot be built is no reason to leave others out.
        if (!migration.concurrent || isConnectionLost(error)) throw error
        unbuilt = error
      })
    }
    tablesReady()
    if (unbuilt) throw unbuilt
  } finally {
    session.release()
  }
}

interface Pending extends Migration {
  /** Of what it has made before. */
  missing: SchemaObject[]
}

/** Those that have never run here, and those that lack something of what they made. */
async function pendingOf(sql: Sql, migrations: Migration[]): Promise<Pending[]> {
  const [{ known } = { known: false }] = await sql<[{ known: boolean }]>`
    select to_regclass('jobsctl_migrations') is not null as known`
  if (!known) return migrations.map((migration) => ({ ...migration, missing: [] }))
  const done = new Set(
    (await sql<{ number: number }[]>`select number from jobsctl_migrations`).map(({ number }) => number),
  )
  const lost = new Set(
    (
      await findMissing(
        sql,
        migrations.flatMap(({ makes }) => makes),
      )
    ).map(identity),
  )
  const lostOf = ({ number, makes }: Migration) =>
    done.has(number) ? makes.filter((made) => lost.has(identity(made))) : []
  return migrations
    .map((migration) => ({ ...migration, missing: lostOf(migration) }))
    .filter(({ number, missing }) => !done.has(number) || missing.length > 0)
}

const identity = ({ kind, of, name }: SchemaObject): string => [kind, of, name].join(' ')

async function apply(
  session: Session,
  migration: Pending,
  { log, schema }: Pick<Options, 'log' | 'schema'>,
): Promise<void> {
  const { name, missing } = migration
  log.info(`migration ${name}`, missing.length > 0 ? { missing: listOfObjects(missing) } : {})
  if (migration.concurrent) {
    await buildIndexes(session, migration, { log, schema })
    await record(session, migration)
    return
  }
  await session`begin`
  try {
    // Whoever waits for a table lock makes all that come after it wait, too; and so does a server that freezes here.
    await session`set local lock_timeout = '200ms'`
    // Bodies in dollar quotes name no schema: what a migration makes or looks up belongs to this one.
    await session.unsafe(`set local search_path = ${schema}, pg_temp`)
    await session`set local idle_in_transaction_session_timeout = '10s'`
    await session`
      create table if not exists jobsctl_migrations (
        number integer primary key, name text not null, applied_at timestamptz not null default now())`
    await session.unsafe(migration.text)
    await record(session, migration)
    await session`commit`
  } catch (error) {
    await session`rollback`.catch(() => {})
    throw error
  }
  const left = await findMissing(session, migration.makes)
  if (left.length > 0) log.warn(`this role may not add what other programs' tables lack: ${listOfObjects(left)}`)
}

const record = (session: Session, { number, name }: Migration) => session`
  insert into jobsctl_migrations (number, name) values (${number}, ${name}) on conflict do nothing`

import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { ReservedSql } from 'postgres'
import type { Log } from '../log.ts'
import type { Pool, Sql } from './sql.ts'

const folder = new URL('./migrations/', import.meta.url)

interface Migration {
  number: number
  name: string
  /** Made of `create index concurrently`, each on its own: it may take long, and nobody waits for it. */
  concurrent: boolean
  text: string
}

interface Options {
  sql: Pool
  log: Log
  /** Leave the indexes to a server: a short command does not wait for them. */
  tablesOnly?: boolean
  /** A pooler stands in between, which hands each statement to another session: none may be set up. */
  pooled: boolean
  /** Called once the tables are as this version needs them; indexes may still be on their way. */
  tablesReady: () => void
}

/**
 * Brings the schema up to date. Safe to run from several servers at once: one works, the others
 * look again until there is nothing left to do. What is interrupted is taken up by the next start.
 * @throws the database's own error; what was done before it stays done
 */
export async function migrate({ sql, log, tablesOnly = false, pooled, tablesReady }: Options): Promise<void> {
  const migrations = (await readMigrations()).filter(({ concurrent }) => !(tablesOnly && concurrent))
  for (;;) {
    const pending = await pendingOf(sql, migrations)
    if (pending.every(({ concurrent }) => concurrent)) tablesReady()
    if (pending.length === 0) return
    const done = await alone(sql, () => applyAll({ sql, log, migrations, pooled, tablesReady }))
    if (!done) await wait(200)
  }
}

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
    // Last, since PostgreSQL keeps the snapshot of a query until the session's next command.
    await tx`set local idle_in_transaction_session_timeout = 0`
    await work()
    return true
  })
}

interface Applying extends Omit<Options, 'tablesOnly'> {
  migrations: Migration[]
}

async function applyAll({ sql, log, migrations, pooled, tablesReady }: Applying): Promise<void> {
  const session = await sql.reserve()
  try {
    // An index on a large table takes its time, and waits for whoever uses the table.
    if (!pooled)
      await session`select set_config(name, '0', false) from (values ('statement_timeout'), ('lock_timeout')) as limits (name)`
    for (const migration of await pendingOf(session, migrations)) {
      if (migration.concurrent) tablesReady()
      await apply(session, migration, log)
    }
    tablesReady()
  } finally {
    session.release()
  }
}

async function readMigrations(): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()
  const migrations = await Promise.all(
    files.map(async (name) => ({
      number: Number.parseInt(name, 10),
      name,
      concurrent: name.endsWith('.concurrent.sql'),
      text: await readFile(new URL(name, folder), 'utf8'),
    })),
  )
  // Tables first: calls are answered once these are there, and an index may take long.
  return migrations.sort((one, other) => Number(one.concurrent) - Number(other.concurrent) || one.number - other.number)
}

async function pendingOf(session: Sql, migrations: Migration[]): Promise<Migration[]> {
  const [{ known } = { known: false }] = await session<[{ known: boolean }]>`
    select to_regclass('jobsctl_migrations') is not null as known`
  if (!known) return migrations
  const done = await session<{ number: number }[]>`select number from jobsctl_migrations`
  return migrations.filter(({ number }) => !done.some((row) => row.number === number))
}

async function apply(session: ReservedSql, migration: Migration, log: Log): Promise<void> {
  log.info(`migration ${migration.name}`)
  if (migration.concurrent) {
    await buildIndexes(session, migration.text, log)
    await session`insert into jobsctl_migrations (number, name) values (${migration.number}, ${migration.name})`
    return
  }
  await session`begin`
  try {
    // Whoever waits for a table lock makes all that come after it wait, too.
    await session`set local lock_timeout = '200ms'`
    await session`
      create table if not exists jobsctl_migrations (
        number integer primary key, name text not null, applied_at timestamptz not null default now())`
    await session.unsafe(migration.text)
    await session`insert into jobsctl_migrations (number, name) values (${migration.number}, ${migration.name})`
    await session`commit`
  } catch (error) {
    await session`rollback`.catch(() => {})
    throw error
  }
}

/** Each on its own, outside a transaction. What an interrupted build left behind is invalid, and made again. */
async function buildIndexes(session: ReservedSql, text: string, log: Log): Promise<void> {
  const statements = text
    .replaceAll(/^\s*--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
  let last: unknown
  for (const statement of statements) {
    const [, name = ''] = /if not exists (\w+)/.exec(statement) ?? []
    const broken = await session`
      select from pg_index where indexrelid = to_regclass(${name}) and not indisvalid`
    if (broken.length > 0) await session.unsafe(`drop index concurrently if exists ${name}`)
    await session.unsafe(statement).catch((error: unknown) => {
      log.warn(`the index ${name} cannot be built: ${error instanceof Error ? error.message : error}`)
      last = error
    })
  }
  if (last) throw last
}

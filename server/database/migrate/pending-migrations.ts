import type { Sql } from '../sql.ts'
import { sharedTables } from './absent-before.ts'
import { allMigrations, type Migration } from './migrations.ts'
import { findMissing, type SchemaObject } from './schema-diff.ts'

/** A migration that has to run, for the first time or again. */
export interface PendingMigration extends Migration {
  /** The objects that it made before and that are missing now; empty when it has never run here. */
  missing: SchemaObject[]
}

/** The migrations that have never run on this database, and those of which an object is missing now. */
export async function findPending(sql: Sql, migrations: Migration[]): Promise<PendingMigration[]> {
  const [{ known } = { known: false }] = await sql<[{ known: boolean }]>`
    select to_regclass('jobsctl_migrations') is not null as known`
  if (!known) return migrations.map((migration) => ({ ...migration, missing: [] }))
  const rows = await sql<{ number: number }[]>`select number from jobsctl_migrations`
  const done = new Set(rows.map(({ number }) => number))
  const made = migrations.flatMap(({ makes }) => makes)
  const lost = new Set((await findMissing(sql, made)).map(identity))
  const lostOf = ({ number, makes }: Migration) =>
    done.has(number) ? makes.filter((object) => lost.has(identity(object))) : []
  return migrations
    .map((migration) => ({ ...migration, missing: lostOf(migration) }))
    .filter(({ number, missing }) => !done.has(number) || missing.length > 0)
}

const identity = ({ kind, of, name }: SchemaObject): string => [kind, of, name].join(' ')

/**
 * True when every column is there without which no call can be answered. Tables of other programs beside `jobs` may
 * lack a column, and `jobs` one of a later migration than the first: only the calls that need it fail then.
 */
export async function isSchemaComplete(sql: Sql): Promise<boolean> {
  const needed = (await allMigrations()).flatMap(({ number, makes }) =>
    makes.filter(({ kind, of }) => kind === 'column' && (number === 1 ? of === 'jobs' : !sharedTables.includes(of))),
  )
  return (await findMissing(sql, needed)).length === 0
}

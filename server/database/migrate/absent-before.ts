import * as z from 'zod'
import type { Sql } from '../sql.ts'
import { allIndexes } from './index-statements.ts'
import { allMigrations, type Migration } from './migrations.ts'
import { findMissing, type SchemaObject } from './schema-diff.ts'

/** The tables that another program may have made, and may use. Every other table of the migrations is of the servers alone. */
export const sharedTables: readonly string[] = [
  ...['jobs', 'job_events', 'job_queue_controls', 'job_attachments', 'job_sla_policies', 'job_counters'],
  ...['job_dependencies', 'jobs_archive'],
]

/** An object that a server has made where another program may have one of the same name. */
export const MadeObject = z.object({ kind: z.enum(['table', 'column', 'index']), of: z.string(), name: z.string() })
export type MadeObject = z.output<typeof MadeObject>

/**
 * What a migration is about to make in the shared tables. The first one of a database looks for all migrations, since an index is not
 * made in the transaction that records it.
 */
export async function findAbsent(sql: Sql, migration: Pick<Migration, 'number' | 'makes'>): Promise<MadeObject[]> {
  const makes = migration.number === 1 ? (await allMigrations()).flatMap((one) => one.makes) : migration.makes
  const shared = [...makes, ...columnsOfArchive(migration)].filter(
    ({ kind, of, name }) => sharedTables.includes(of) && isSharedName(kind, name),
  )
  const tables = [...new Set(shared.map(({ of }) => of))].map((name): SchemaObject => ({ kind: 'table', of: '', name }))
  const absentTables = await findMissing(sql, tables)
  // All that belongs to a new table comes and goes with the table.
  const parts = await findMissing(
    sql,
    shared.filter(({ of }) => absentTables.every(({ name }) => name !== of)),
  )
  const named = await namedIndexes(sql, parts)
  return z
    .array(MadeObject.strip())
    .parse([...absentTables, ...parts.filter(({ kind }) => kind !== 'unique'), ...named])
}

/** The archive has the columns of `jobs`, which its definition does not list. */
const columnsOfArchive = ({ number, makes }: Pick<Migration, 'number' | 'makes'>): SchemaObject[] =>
  makes
    .filter(({ kind, of }) => number === 1 && kind === 'column' && of === 'jobs')
    .map((column) => ({ ...column, of: 'jobs_archive' }))

/** Triggers, functions and most indexes have names that no other program uses. */
const isSharedName = (kind: SchemaObject['kind'], name: string): boolean =>
  kind === 'column' || kind === 'unique' || (kind === 'index' && !name.startsWith('jobsctl_'))

/**
 * The names of unique indexes, which are missing by their columns. Where another program has an index of the name, the server makes
 * `jobsctl_unique`, which is noted nowhere since its name says whose it is.
 */
async function namedIndexes(sql: Sql, parts: readonly SchemaObject[]): Promise<SchemaObject[]> {
  const indexes = await allIndexes()
  const wanted = parts.flatMap(({ kind, of, name }) =>
    kind === 'unique' ? indexes.filter(({ table, keys }) => table === of && keys === name) : [],
  )
  return findMissing(
    sql,
    wanted.map(({ table, name }) => ({ kind: 'index', of: table, name })),
  )
}

/**
 * What servers have made in the shared tables, as the migrations have noted it, without the parts of a table that they have made.
 * @returns undefined where a version that noted nothing has made the database, or nothing is made yet
 */
export async function readMade(sql: Sql): Promise<MadeObject[] | undefined> {
  const [there] = await sql`select where to_regclass('jobsctl_migrations') is not null`
  if (!there) return undefined
  // As JSON, since the column is missing where only earlier versions have run.
  const rows = await sql<{ number: number; made: unknown }[]>`
    select number, to_jsonb(done) -> 'made' as made from jobsctl_migrations as done`
  if (!rows.some(({ number, made }) => number === 1 && made !== null)) return undefined
  const noted = rows.flatMap(({ made }) => (made === null ? [] : z.array(MadeObject).parse(made)))
  // The first migration notes what a later one makes, and that one notes it again.
  const all = [...new Map(noted.map((object) => [JSON.stringify(object), object])).values()]
  const isNew = (table: string) => all.some(({ kind, name }) => kind === 'table' && name === table)
  return all.filter(({ of }) => !isNew(of))
}

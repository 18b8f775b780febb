import { Failure } from '../../shared/errors.ts'
import { takeLock } from '../database/advisory-locks.ts'
import { allMigrations } from '../database/migrate/migrations.ts'
import { isSchemaComplete } from '../database/migrate/pending-migrations.ts'
import { findMissing, listOfObjects, type SchemaObject } from '../database/migrate/schema-diff.ts'
import type { Pool, Sql } from '../database/sql.ts'
import { keptOut } from './empty-tables.ts'
import { engineNames, type Place, type Served, servedBy } from './served.ts'

/** Runs a script that makes our tables beside the jobs of another engine, in one transaction. */
export const makeRecords = (sql: Pool, script: readonly string[]): Promise<void> =>
  sql.begin(async (tx) => {
    // Two servers that start at once make the same tables.
    await tx`select ${takeLock(tx, 'migrations')}`
    for (const statement of script) await tx.unsafe(statement)
  })

/** Whether our tables beside the jobs of another engine are as this version needs them, the archive included. */
export async function hasRecords(sql: Sql, { places }: Pick<Served, 'places'>): Promise<boolean> {
  const [row] = await sql<{ value: string }[]>`
    select 'engine' as value where to_regclass('jobsctl_settings') is not null`
  if (!row || (await missingRecords(sql)).length > 0) return false
  return hasArchives(sql, places)
}

/** Whether the archives of places have every column of the tables of their engines. */
export async function hasArchives(sql: Sql, places: readonly Pick<Place, 'adapter' | 'found'>[]): Promise<boolean> {
  for (const { adapter, found } of places) if ((await adapter.missingInArchive(sql, found)).length > 0) return false
  return true
}

/**
 * Whether our tables have every column that calls need. Beside the jobs of another engine these are the records, without the archive, which
 * each change compares with the engine's table.
 */
export const areTablesComplete = async (sql: Sql): Promise<boolean> =>
  servedBy(sql).mode === 'own' ? isSchemaComplete(sql) : (await missingRecords(sql)).length === 0

async function missingRecords(sql: Sql): Promise<SchemaObject[]> {
  const made = (await allMigrations()).flatMap(({ makes }) => makes)
  return findMissing(
    sql,
    made.filter(({ kind, of }) => kind === 'column' && !keptOut.includes(of)),
  )
}

/**
 * For a command that works on our tables.
 * @returns false on a database of our own jobs, whose tables the command makes
 * @throws Failure `usage` where the jobs are those of another engine, and our tables are not there, or not as this version needs them
 */
export async function needsRecords(sql: Sql): Promise<boolean> {
  const served = servedBy(sql)
  if (served.mode === 'own') return false
  const engine = engineNames(served)
  if (served.mode === 'look')
    throw new Failure(
      'usage',
      `this database has the jobs of ${engine}, and no tables of jobs-server; nothing was made`,
      {
        hint: `jobs-server migrate --engine ${engine} makes them in a schema of their own; for a queue of its own beside them: jobs-server --engine own, or JOBS_ENGINE=own`,
      },
    )
  await requireRecords(sql, served)
  return true
}

/**
 * Looks whether our tables beside the jobs of another engine are as this version needs them, and makes nothing.
 * @throws Failure `usage` that says what to type
 */
export async function requireRecords(sql: Sql, served: Pick<Served, 'mode' | 'places'>): Promise<void> {
  const missing = await missingRecords(sql)
  if (missing.length === 0) return
  throw new Failure('usage', `the records of jobs-server lack ${listOfObjects(missing)}; nothing was started`, {
    hint: `jobs-server migrate --engine ${engineNames(served)}, as the owner of these tables`,
  })
}

import { tablesOfMigrations } from '../database/migrate/migrations.ts'
import { findMissing } from '../database/migrate/schema-diff.ts'
import type { Sql } from '../database/sql.ts'
import { readArchives } from '../engines/archives.ts'
import { keptOut } from '../engines/empty-tables.ts'
import { opening } from './uninstall-script.ts'

/**
 * The SQL that takes out what servers have made beside the jobs of another engine, for psql, in one transaction. The jobs and all tables of
 * the engine stay as they are, and need not be there any more. Only reads.
 * @param schema the schema of our tables, as a quoted name; it is dropped where nothing of anybody else is in it
 * @returns lines; none where no server has made anything
 */
export async function uninstallRecords(sql: Sql, schema: string): Promise<string[]> {
  const archives = await readArchives(sql)
  const wanted = [
    ...(await tablesOfMigrations()).filter((table) => !keptOut.includes(table)),
    ...archives.map(({ name }) => name),
  ]
  const absent = new Set(
    (
      await findMissing(
        sql,
        wanted.map((name) => ({ kind: 'table', of: '', name })),
      )
    ).map(({ name }) => name),
  )
  const tables = wanted.filter((table) => !absent.has(table))
  if (tables.length === 0) return []
  const functions = await sql<{ name: string }[]>`
    select proname || '(' || pg_get_function_identity_arguments(pg_proc.oid) || ')' as name
    from pg_proc
    join pg_namespace on pg_namespace.oid = pronamespace
    where quote_ident(nspname) = ${schema}::text and proname like 'jobsctl\\_%'
    order by name`
  const engines = archives.map(({ engine }) => engine).join(', ')
  return [
    `-- Takes out what jobs-server has made beside the jobs of ${engines || 'another engine'}. Stop all servers first; one transaction: all of it or nothing.`,
    `-- ${await whatEnds(
      sql,
      archives.map(({ name }) => `${schema}.${name}`),
    )}`,
    ...opening(schema),
    ...tables.map((table) => `drop table ${table};`),
    ...functions.map(({ name }) => `drop function ${name};`),
    `-- Fails, and with it everything above, where somebody else has made something in this schema.`,
    `drop schema ${schema};`,
    'commit;',
  ]
}

/** Which undo ends, as a sentence. */
async function whatEnds(sql: Sql, archives: readonly string[]): Promise<string> {
  const [row] = await sql<[{ records: number; images: number }]>`
    select
      (select count(*) from job_operations) as records,
      (select count(distinct operation_id) from job_operation_rows) as images`
  let [jobs, operations] = [0, 0]
  for (const archive of archives) {
    const [kept] = await sql<[{ jobs: number; operations: number }]>`
      select count(*) as jobs, count(distinct operation_id) as operations from ${sql.unsafe(archive)}`
    jobs += kept.jobs
    operations += kept.operations
  }
  return `With it end ${row.records} records and the undo of ${row.images + operations} changes; ${jobs} deleted jobs are in the archive.`
}

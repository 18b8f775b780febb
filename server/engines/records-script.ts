import { Failure } from '../../shared/errors.ts'
import { allIndexes } from '../database/migrate/index-statements.ts'
import { migrationsTable } from '../database/migrate/migration-script.ts'
import { allMigrations } from '../database/migrate/migrations.ts'
import type { Sql } from '../database/sql.ts'
import { keptOut } from './empty-tables.ts'
import { engineNames, type Served, type ServedEngine } from './served.ts'

/**
 * The statements that make our tables beside the jobs of another engine, in a schema of their own, for one transaction. The migrations make
 * every table there; those that would stand for jobs of ours are dropped in the same transaction, so that nobody ever sees them.
 * @param schema as a quoted name
 * @throws Failure `usage` for a schema that has a table of somebody else with the name of one of ours
 */
export async function recordsScript(sql: Sql, served: ServedEngine, schema: string): Promise<string[]> {
  await refuseStrangersIn(sql, schema)
  const migrations = await allMigrations()
  const indexes = (await allIndexes()).filter(({ table }) => !keptOut.includes(table))
  return [
    `create schema if not exists ${schema}`,
    `set local search_path = ${schema}, pg_temp`,
    migrationsTable,
    ...migrations.filter(({ concurrent }) => !concurrent).map(({ text }) => text.trim().replace(/;$/, '')),
    `drop table ${keptOut.join(', ')} cascade`,
    ...indexes.map(({ statement }) => statement.replace(' concurrently', '')),
    ...migrations.map(
      ({ number, name }) =>
        `insert into jobsctl_migrations (number, name) values (${number}, '${name}') on conflict do nothing`,
    ),
    ...(await archiveScript(sql, served, schema)),
  ]
}

/** The statements that make the archive beside our other tables, and note whose jobs these are. */
export async function archiveScript(
  sql: Sql,
  served: Pick<Served, 'mode' | 'places'>,
  schema: string,
): Promise<string[]> {
  const archive = await Promise.all(
    served.places.map(({ adapter, found }) => adapter.archiveStatements(sql, found, schema)),
  )
  return [
    ...archive.flat(),
    `insert into jobsctl_settings (name, value) values ('engine', '${engineNames(served)}') on conflict (name) do update set value = excluded.value`,
  ]
}

/** A table of these names would be dropped with everything in it. */
async function refuseStrangersIn(sql: Sql, schema: string): Promise<void> {
  const rows = await sql<{ name: string }[]>`
    select relname::text as name
    from pg_class
    join pg_namespace on pg_namespace.oid = relnamespace
    where quote_ident(nspname) = ${schema}::text and relname = any(${[...keptOut]}::text[])
    order by name`
  if (rows.length === 0) return
  throw new Failure(
    'usage',
    `the schema ${schema} has a table ${rows.map(({ name }) => name).join(', ')}, which jobs-server does not make there; nothing was made`,
    {
      hint: `rename the schema, or drop the table where nobody needs it: the schema ${schema} is for tables of jobs-server alone`,
    },
  )
}

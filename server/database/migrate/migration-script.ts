import type { Sql } from '../sql.ts'
import { indexesIn } from './index-statements.ts'
import { allMigrations, type Migration } from './migrations.ts'
import { findPending } from './pending-migrations.ts'

/** The table of the migrations that have run. */
export const migrationsTable = `create table if not exists jobsctl_migrations (
  number integer primary key, name text not null, applied_at timestamptz not null default now())`

/**
 * The SQL of all migrations that have to run, for psql: each migration of tables is a transaction, and indexes are built outside of one.
 * Empty where nothing has to run.
 */
export const pendingScript = async (sql: Sql): Promise<string[]> =>
  (await findPending(sql, await allMigrations())).map(textOf)

const textOf = ({ name, concurrent, text, number }: Migration): string => {
  const note = `insert into jobsctl_migrations (number, name) values (${number}, '${name}') on conflict do nothing;`
  if (concurrent)
    return `-- ${name}\n${indexesIn(text)
      .map(({ statement }) => `${statement};\n`)
      .join('')}${note}`
  return `-- ${name}\nbegin;\n${migrationsTable};\n${text.trim()}\n${note}\ncommit;`
}

import type { Sql } from '../sql.ts'
import { findAbsent, type MadeObject } from './absent-before.ts'
import { indexesIn } from './index-statements.ts'
import { allMigrations, type Migration } from './migrations.ts'
import { findPending } from './pending-migrations.ts'

/**
 * The table of the migrations that have run. Version 0.1.0 makes it without the column `made`: what a migration made in the tables of
 * other programs.
 */
export const migrationsTable = `create table if not exists jobsctl_migrations (
  number integer primary key, name text not null, applied_at timestamptz not null default now(), made jsonb);
do $$
begin
  -- A role that does not own the table may not even ask to add a column that is there.
  if not exists (
    select from pg_attribute
    where attrelid = to_regclass('jobsctl_migrations') and attname = 'made' and not attisdropped
  ) then
    alter table jobsctl_migrations add column made jsonb;
  end if;
exception when insufficient_privilege then
  raise notice 'jobsctl_migrations belongs to another role, and stays without the column made';
end
$$`

/** What was noted stays, when a migration runs again because an object is missing. Nothing is noted where an earlier version has run it. */
export const addMade = 'on conflict (number) do update set made = jobsctl_migrations.made || excluded.made'

/** Whether a migration notes what it makes: the first one of a database does, and one that changes a table of other programs. */
export const isNoted = ({ number, concurrent }: Migration, made: readonly MadeObject[]): boolean =>
  !concurrent && (number === 1 || made.length > 0)

/**
 * The SQL of all migrations that have to run, for psql: each migration of tables is a transaction, and indexes are built outside of one.
 * Empty where nothing has to run.
 */
export async function pendingScript(sql: Sql): Promise<string[]> {
  const pending = await findPending(sql, await allMigrations())
  const script = pending.length > 0 ? [`-- jobsctl_migrations\n${migrationsTable};`] : []
  for (const migration of pending) script.push(textOf(migration, await findAbsent(sql, migration)))
  return script
}

function textOf(migration: Migration, made: readonly MadeObject[]): string {
  const { name, concurrent, text, number } = migration
  const note = `insert into jobsctl_migrations (number, name) values (${number}, '${name}') on conflict do nothing;`
  if (concurrent)
    return `-- ${name}\n${indexesIn(text)
      .map(({ statement }) => `${statement};\n`)
      .join('')}${note}`
  const record = isNoted(migration, made)
    ? `insert into jobsctl_migrations (number, name, made)\nvalues (${number}, '${name}', '${JSON.stringify(made)}')\n${addMade};`
    : note
  return `-- ${name}\nbegin;\n${text.trim()}\n${record}\ncommit;`
}

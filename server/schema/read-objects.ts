import { type MadeObject, sharedTables } from '../database/migrate/absent-before.ts'
import { allMigrations } from '../database/migrate/migrations.ts'
import type { Sql } from '../database/sql.ts'
import { readArchives } from '../engines/archives.ts'

/** An object in the schema of the tables that belongs to the servers by its name: `jobsctl_*`, or a table that a server has made. */
export interface OwnObject {
  kind: 'table' | 'function' | 'trigger' | 'index'
  /** The name as SQL takes it: quoted where needed; that of a function with its parameters. */
  name: string
  /** The shared table of a trigger or index, or a partition of one; with its schema, as SQL takes it. Empty for the others. */
  of: string
  owner: string
  /** True for a trigger that somebody has disabled, or that does not fire in a session of a program. */
  disabled: boolean
}

/** The tables that belong to the servers alone, whatever else is in the database: archives of the jobs of other engines among them. */
async function ownTables(sql: Sql): Promise<string[]> {
  const makes = (await allMigrations()).flatMap((migration) => migration.makes)
  const tables = new Set(makes.flatMap(({ kind, of }) => (kind === 'column' ? [of] : [])))
  const archives = (await readArchives(sql)).map(({ name }) => name)
  return [...tables, ...archives, 'jobsctl_migrations'].filter((name) => !sharedTables.includes(name)).sort()
}

/**
 * Tables and functions of the servers, and their triggers and indexes on other tables. An index or trigger of a listed table goes with
 * the table, and an index of a partition with the index of the whole table, so neither is listed.
 */
export const readOwnObjects = async (sql: Sql): Promise<OwnObject[]> => [
  ...(await sql<OwnObject[]>`
    with own as materialized (
      select oid
      from pg_class
      where relnamespace = (select relnamespace from pg_class where oid = to_regclass('jobsctl_migrations'))
        and relkind in ('r', 'p') and (relname = any(${await ownTables(sql)}::text[]) or relname like 'jobsctl\\_%')
    ),
    functions as materialized (
      select oid, proname, proowner
      from pg_proc
      where pronamespace = (select relnamespace from pg_class where oid = to_regclass('jobsctl_migrations'))
        and proname like 'jobsctl\\_%'
    )
    select kind, name, "of", pg_get_userbyid(owner) as owner, disabled
    from (
      select 1 as at, 'table' as kind, quote_ident(relname) as name, '' as "of", relowner as owner, false as disabled
      from own
      join pg_class using (oid)
      union all
      select 2, 'trigger', quote_ident(tgname), format('%I.%I', nspname, relname), relowner, tgenabled not in ('O', 'A')
      from pg_trigger
      join pg_class on pg_class.oid = tgrelid
      join pg_namespace on pg_namespace.oid = relnamespace
      where tgfoid in (select oid from functions) and not tgisinternal and tgparentid = 0 and tgrelid not in (select oid from own)
      union all
      select 3, 'function', format('%I(%s)', proname, pg_get_function_identity_arguments(oid)), '', proowner, false
      from functions
      union all
      select 4, 'index', format('%I.%I', nspname, entry.relname), format('%I.%I', nspname, of_table.relname), entry.relowner, false
      from pg_index
      join pg_class as entry on entry.oid = indexrelid
      join pg_class as of_table on of_table.oid = indrelid
      join pg_namespace on pg_namespace.oid = entry.relnamespace
      where entry.relname like 'jobsctl\\_%' and not entry.relispartition and indrelid not in (select oid from own)
        -- A primary key of another program's table that somebody has named so is no index of a server.
        and not exists (select from pg_constraint where conindid = indexrelid)
        and (
          of_table.relnamespace = (select relnamespace from pg_class where oid = to_regclass('jobsctl_migrations'))
          or of_table.relispartition
        )
    ) as objects
    order by at, "of", name`),
]

/** An object that a server has made in a shared table, and that is still there. */
export interface SharedObject {
  kind: MadeObject['kind']
  /** The table of a column or index. */
  of: string
  /** As SQL takes it. */
  name: string
  owner: string
  /** Of a table: its size with indexes, in bytes. */
  bytes: number
}

/** Those of the noted objects that are still there. */
export const readSharedObjects = async (sql: Sql, made: readonly MadeObject[]): Promise<SharedObject[]> => [
  ...(await sql<SharedObject[]>`
    select kind, "of", quote_ident(name) as name, coalesce(pg_total_relation_size(relation), 0) as bytes,
      pg_get_userbyid((select relowner from pg_class where oid = coalesce(to_regclass(nullif("of", ''))::oid, relation))) as owner
    from jsonb_to_recordset(${JSON.stringify(made)}::text::jsonb) as made (kind text, "of" text, name text)
    cross join lateral (select to_regclass(quote_ident(name))::oid as relation) as found
    where case kind
      when 'table' then relation is not null
      when 'index' then exists (select from pg_index where indexrelid = relation and indrelid = to_regclass("of"))
      when 'column' then exists (
        select from pg_attribute where attrelid = to_regclass("of") and attname = made.name and not attisdropped
      )
    end
    order by array_position(array['index', 'column', 'table'], kind), "of", name`),
]

import type { Sql } from '../sql.ts'
import { tableRights } from './table-rights.ts'

interface Names {
  /** The role of the server, as it is written in `create role`, without quotes. */
  role: string
  /** The schema of the tables, as a quoted name. */
  schema: string
}

/**
 * The statements that give a role the least that a server with `JOBS_MIGRATE=false` needs. The rows of other programs have policies of
 * their own, and no statement here touches them.
 */
export async function grantStatements(sql: Sql, { role, schema }: Names): Promise<string[]> {
  const [names] = await sql<[{ role: string; database: string }]>`
    select quote_ident(${role}::text) as role, quote_ident(current_database()) as database`
  const to = `to ${names.role};`
  const tables = Object.entries(tableRights).filter(([, rights]) => rights.length > 0)
  return [
    `grant connect on database ${names.database} ${to}`,
    `grant usage on schema ${schema} ${to}`,
    ...tables.map(([table, rights]) => `grant ${rights.join(', ')} on table ${schema}.${table} ${to}`),
    ...(await neededSequences(sql)).map(({ name, rights }) => `grant ${rights} on sequence ${name} ${to}`),
  ]
}

/**
 * The sequences of the ids, and those from which another program takes the default of a column. An identity column needs no right on its
 * sequence, and a serial column of another program does. The ids of events are moved on after a failover or a restore, which needs more.
 */
export const neededSequences = (sql: Sql) => sql<{ name: string; rights: string }[]>`
  select sequence as name, case when "table" = 'job_events' then 'usage, update' else 'usage' end as rights
  from unnest(${Object.keys(tableRights)}::text[]) with ordinality as named ("table", at)
  join pg_attribute on attrelid = to_regclass("table") and attnum > 0 and not attisdropped and (atthasdef or attidentity <> '')
  cross join lateral (
    select pg_get_serial_sequence(to_regclass("table")::text, attname) as sequence
    union
    select quote_ident(nspname) || '.' || quote_ident(relname)
    from pg_attrdef
    join pg_depend on classid = 'pg_attrdef'::regclass and objid = pg_attrdef.oid and refclassid = 'pg_class'::regclass
    join pg_class on pg_class.oid = refobjid and relkind = 'S'
    join pg_namespace on pg_namespace.oid = relnamespace
    where adrelid = attrelid and adnum = attnum
  ) as used
  where sequence is not null and (attidentity = '' or ("table" = 'job_events' and attname = 'id'))
  order by at, attnum, name`

import { neededSequences } from '../database/rights/grants.ts'
import { tableRights } from '../database/rights/table-rights.ts'
import type { Sql } from '../database/sql.ts'
import type { QueueAdapter } from './adapter.ts'
import { keptOut } from './empty-tables.ts'
import type { Found } from './found.ts'
import { archivesOf, type Place, type ServedEngine } from './served.ts'

interface Options {
  /** The role of the server, without quotes. */
  role: string
  /** The schema of our tables, as a quoted name. */
  schema: string
  /** The role is to look only: it reads, and its transactions are read only. */
  looks: boolean
  /** Our tables are beside those of the engine, so that a server reads them, too. */
  isRecorded: boolean
}

/** The statements that let a role change the jobs of places that are served beside our own. */
export async function grantsOnPlaces(
  sql: Sql,
  places: readonly Place[],
  { role, schema }: Pick<Options, 'role' | 'schema'>,
): Promise<string[]> {
  if (places.length === 0) return []
  const [names] = await sql<[{ role: string }]>`select quote_ident(${role}::text) as role`
  const to = `to ${names.role};`
  return [...onTables(places, names.role, false), ...onArchives(places, to, schema)]
}

/** On the tables of engines. */
const onTables = (places: readonly Place[], role: string, looks: boolean): string[] =>
  places.flatMap(({ adapter, found }) => [
    `grant usage on schema ${found.schema} to ${role};`,
    ...adapter.rights(found, looks).map(({ table, rights }) => `grant ${rights} on table ${table} to ${role};`),
    ...(adapter.furtherGrants?.(role) ?? []),
  ])

const onArchives = (places: readonly Place[], to: string, schema: string): string[] =>
  archivesOf(places).map((archive) => `grant select, insert, update, delete on table ${schema}.${archive} ${to}`)

/** The statements that give a role the least that a server over the jobs of another engine needs. */
export async function engineGrants(
  sql: Sql,
  { places }: ServedEngine,
  { role, schema, looks, isRecorded }: Options,
): Promise<string[]> {
  const [names] = await sql<[{ role: string; database: string }]>`
    select quote_ident(${role}::text) as role, quote_ident(current_database()) as database`
  const to = `to ${names.role};`
  const ofEngine = onTables(places, names.role, looks)
  const connect = `grant connect on database ${names.database} ${to}`
  const ours = Object.entries(tableRights).filter(([table, rights]) => rights.length > 0 && !keptOut.includes(table))
  const usage = `grant usage on schema ${schema} ${to}`
  const read = [...ours.map(([table]) => table), ...archivesOf(places)]
  if (looks)
    return [
      connect,
      ...ofEngine,
      ...(isRecorded ? [usage, ...read.map((table) => `grant select on table ${schema}.${table} ${to}`)] : []),
      `alter role ${names.role} in database ${names.database} set default_transaction_read_only = on;`,
    ]
  return [
    connect,
    ...ofEngine,
    usage,
    ...ours.map(([table, rights]) => `grant ${rights.join(', ')} on table ${schema}.${table} ${to}`),
    ...onArchives(places, to, schema),
    ...(await neededSequences(sql)).map(({ name, rights }) => `grant ${rights} on sequence ${name} ${to}`),
  ]
}

/** The rights that the role of the server lacks on one table, and the statement by which the owner gives them. */
export interface LackingRights {
  right: string
  grant: string
}

/**
 * Reads which rights on the tables of an engine the role of the server lacks.
 * @param looks the server changes nothing, so that it only has to read
 * @returns a line for each table on which a right is missing, in the order of the adapter
 */
export async function readLackingRights(
  sql: Sql,
  { rights }: Pick<QueueAdapter, 'rights'>,
  { found, looks }: { found: Found; looks: boolean },
): Promise<LackingRights[]> {
  const needed = rights(found, looks).flatMap(({ table, rights }) => rights.split(', ').map((one) => [table, one]))
  const tables = needed.map(([table]) => table ?? '')
  const rows = await sql<{ table: string; lacking: string; role: string }[]>`
    select name as "table", string_agg(needed, ', ' order by place) as lacking, quote_ident(current_user) as role
    from rows from (
      unnest(${tables}::text[]), unnest(${needed.map(([, one]) => one ?? '')}::text[])
    ) with ordinality as wanted (name, needed, place)
    where not has_table_privilege(name, needed)
    group by name
    order by min(place)`
  return rows.map(({ table, lacking, role }) => ({
    right: `${lacking} on ${table}`,
    grant: `grant ${lacking} on table ${table} to ${role};`,
  }))
}

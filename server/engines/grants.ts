import { neededSequences } from '../database/rights/grants.ts'
import { tableRights } from '../database/rights/table-rights.ts'
import type { Sql } from '../database/sql.ts'
import { keptOut } from './empty-tables.ts'
import { archivesOf, type ServedEngine } from './served.ts'

interface Options {
  /** The role of the server, without quotes. */
  role: string
  /** The schema of our tables, as a quoted name. */
  schema: string
  /** The role is to look only: it reads, and its transactions are read only. */
  looks: boolean
}

/** The statements that give a role the least that a server over the jobs of another engine needs. */
export async function engineGrants(
  sql: Sql,
  { places }: ServedEngine,
  { role, schema, looks }: Options,
): Promise<string[]> {
  const [names] = await sql<[{ role: string; database: string }]>`
    select quote_ident(${role}::text) as role, quote_ident(current_database()) as database`
  const to = `to ${names.role};`
  const ofEngine = places.flatMap(({ adapter, found }) => [
    `grant usage on schema ${found.schema} ${to}`,
    ...adapter.rights(found, looks).map(({ table, rights }) => `grant ${rights} on table ${table} ${to}`),
  ])
  const connect = `grant connect on database ${names.database} ${to}`
  if (looks)
    return [
      connect,
      ...ofEngine,
      `alter role ${names.role} in database ${names.database} set default_transaction_read_only = on;`,
    ]
  const ours = Object.entries(tableRights).filter(([table, rights]) => rights.length > 0 && !keptOut.includes(table))
  return [
    connect,
    ...ofEngine,
    `grant usage on schema ${schema} ${to}`,
    ...ours.map(([table, rights]) => `grant ${rights.join(', ')} on table ${schema}.${table} ${to}`),
    ...archivesOf(places).map((archive) => `grant select, insert, delete on table ${schema}.${archive} ${to}`),
    ...(await neededSequences(sql)).map(({ name, rights }) => `grant ${rights} on sequence ${name} ${to}`),
  ]
}

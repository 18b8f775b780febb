import type { Sql } from 'postgres'

/** The role of servers and tests in place of the superuser, where TEST_PG_ROLE names one: it may make tables in the schema, and nothing else. */
const plainRole = process.env.TEST_PG_ROLE || undefined

/** The URL of a database as the role of servers has it. */
export function urlOfServers(url: string, database: string): string {
  return Object.assign(new URL(url), { pathname: `/${database}`, ...(plainRole && { username: plainRole }) }).href
}

/** Lets the role make tables in a database. It may not create schemas, sees no activity of others (pg_monitor), and owns what it makes. */
export async function admitPlainRole(inDatabase: Sql): Promise<void> {
  if (!plainRole) return
  const role = inDatabase(plainRole)
  // Another test file may make the role at the same moment.
  await inDatabase`create role ${role} login nosuperuser nocreatedb nocreaterole`.catch(() => {})
  await inDatabase`grant usage, create on schema public to ${role}`
}

import { isIP } from 'node:net'
import type { Host } from '../../env/conninfo-target.ts'
import type { Sql } from '../sql.ts'

interface Reached {
  database: string
  role: string
  /** Null through a Unix socket. */
  address: string | null
  port: number | null
  version: string
  /** Null without TLS. */
  tls: string | null
}

/**
 * Which database a connection leads to, in the words of PostgreSQL: a name of the network or a pooler may lead to another one than was
 * meant.
 * @param hosts where the server is looked for, whose sockets PostgreSQL does not name
 * @returns a sentence for the log, and its fields
 */
export async function readReached(
  sql: Sql,
  hosts: readonly Host[],
): Promise<{ text: string; fields: Record<string, string> }> {
  const [{ database, role, address, port, version, tls }] = await sql<[Reached]>`
    select
      current_database() as database,
      current_user as role,
      host(inet_server_addr()) as address,
      inet_server_port() as port,
      current_setting('server_version') as version,
      (select pg_stat_ssl.version from pg_stat_ssl where pid = pg_backend_pid() and ssl) as tls`
  const sockets = hosts.flatMap(({ socket }) => socket ?? []).join(' or ')
  const place =
    address === null
      ? `the socket ${sockets || 'of a pooler'}`
      : `${isIP(address) === 6 ? `[${address}]` : address}:${port}`
  return {
    text: `connected to the database ${database} at ${place} as the role ${role}`,
    fields: { postgresql: version, ...(tls !== null && { tls }) },
  }
}

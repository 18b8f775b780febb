import type { Sql } from '../sql.ts'

/** The system identifier of the PostgreSQL cluster; null where the role of the server may not read it. */
export async function readSystemIdentifier(sql: Sql): Promise<string | null> {
  const [rights] = await sql<{ allowed: boolean }[]>`
    select has_function_privilege('pg_catalog.pg_control_system()', 'execute') as allowed`
  if (!rights?.allowed) return null
  const [row] = await sql<{ system: string }[]>`select system_identifier::text as system from pg_control_system()`
  return row?.system ?? null
}

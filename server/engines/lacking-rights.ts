import type { Sql } from '../database/sql.ts'
import type { QueueAdapter } from './adapter.ts'
import type { Found } from './found.ts'

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

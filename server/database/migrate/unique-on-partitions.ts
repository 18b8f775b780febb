import type { Sql } from '../sql.ts'
import type { IndexStatement } from './index-statements.ts'

/**
 * Whether PostgreSQL can have an index: the keys of a unique index must have the columns of every partition key of its table, at all levels. An
 * expression in a partition key is in no index of ours.
 */
export async function isPossible(
  sql: Sql,
  { table, keys, unique }: Pick<IndexStatement, 'table' | 'keys' | 'unique'>,
): Promise<boolean> {
  if (!unique) return true
  const columns = keys.split(',').map((key) => key.trim())
  const [row] = await sql<[{ has: boolean }]>`
    select coalesce(bool_and(coalesce(attname = any(${columns}::text[]), false)), true) as has
    from pg_partition_tree(to_regclass(${table})) as part
    join pg_partitioned_table on partrelid = part.relid
    cross join unnest(partattrs) as key
    left join pg_attribute on attrelid = partrelid and attnum = key`
  return row.has
}

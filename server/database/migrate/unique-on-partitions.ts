import type { Sql } from '../sql.ts'
import type { IndexStatement } from './index-statements.ts'

/**
 * Whether PostgreSQL can have a unique index with these keys on a table: with partitions, at whatever level, the keys must have the columns by which
 * they are made. An expression in a key of partitions is in no index of ours.
 */
export async function mayBeUnique(sql: Sql, { table, keys }: Pick<IndexStatement, 'table' | 'keys'>): Promise<boolean> {
  const columns = keys.split(',').map((key) => key.trim())
  const [row] = await sql<[{ has: boolean }]>`
    select coalesce(bool_and(coalesce(attname = any(${columns}::text[]), false)), true) as has
    from pg_partition_tree(to_regclass(${table})) as part
    join pg_partitioned_table on partrelid = part.relid
    cross join unnest(partattrs) as key
    left join pg_attribute on attrelid = partrelid and attnum = key`
  return row.has
}

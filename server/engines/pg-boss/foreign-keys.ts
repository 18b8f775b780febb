import type { Sql } from '../../database/sql.ts'

/** More partitions than these without the key are not looked at: pg-boss makes the key in all of them, or in none. */
const mostLeaves = 200

/**
 * The partitions of `job` whose column no valid foreign key binds to the table `queue`, as quoted names with their schema. pg-boss makes both keys
 * but for databases that have none.
 * @param schema of pg-boss, as a quoted name
 */
export async function readLeavesWithout(sql: Sql, schema: string, column: 'name' | 'dead_letter'): Promise<string[]> {
  const rows = await sql<{ leaf: string }[]>`
    select quote_ident(nspname) || '.' || quote_ident(relname) as leaf
    from pg_partition_tree(${`${schema}.job`}::text::regclass) as part
    join pg_class on pg_class.oid = part.relid
    join pg_namespace on pg_namespace.oid = relnamespace
    where isleaf and relkind = 'r' and not exists (
      select from pg_constraint
      join pg_attribute on attrelid = conrelid and attnum = conkey[1] and attname = ${column}::text
      where conrelid = part.relid and contype = 'f' and convalidated and confrelid = ${`${schema}.queue`}::text::regclass
        and cardinality(conkey) = 1
    )
    order by relname
    limit ${mostLeaves}`
  return rows.map(({ leaf }) => leaf)
}

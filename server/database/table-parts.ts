import type { Fragment, Sql } from './sql.ts'

/**
 * A table with all its partitions, as rows `(part)`, for a `from`. `pg_partition_tree` has no row for a table without partitions. Where there
 * is no table, `part` is null.
 * @param table an expression of the type oid or regclass
 */
export const tableParts = (sql: Sql, table: Fragment): Fragment => sql`
  (select ${table}::regclass as part union select relid from pg_partition_tree(${table}::regclass))`

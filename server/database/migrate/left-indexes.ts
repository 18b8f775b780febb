import type { Sql } from '../sql.ts'

/** Who builds indexes of tables that have rows: the server below 10 GB a table, or the operator. */
export type IndexMode = 'auto' | 'manual'

/** From this size of a table on, its indexes are left to the operator, in bytes. */
const largeTable = 10_000_000_000

/** A table on which an index may be missing. */
export interface TableSize {
  /** With its rows that are stored apart, and with its partitions, in bytes. */
  bytes: number
  isPartitioned: boolean
}

/** The size of a table; undefined where there is no such table. */
export async function readTableSize(sql: Sql, table: string): Promise<TableSize | undefined> {
  const [size] = await sql<TableSize[]>`
    select
      relkind = 'p' as "isPartitioned",
      case
        when relkind = 'p' then coalesce((select sum(pg_table_size(relid)) from pg_partition_tree(oid)), 0)::bigint
        when pg_relation_size(oid) = 0 then 0
        else pg_table_size(oid)
      end as bytes
    from pg_class
    where oid = to_regclass(${table})`
  return size
}

/**
 * True for a table whose indexes the server does not build: it is large, or `JOBS_INDEXES=manual` and it has rows, or it has
 * partitions, on which PostgreSQL builds no index beside writers.
 */
export const isLeftToOperator = (mode: IndexMode, { bytes, isPartitioned }: TableSize): boolean =>
  isPartitioned || (mode === 'manual' ? bytes > 0 : bytes >= largeTable)

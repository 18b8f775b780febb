import { quotedText } from './sql-text.ts'

/**
 * A part of a `from`, to follow the alias of a table: it then has about this number of its rows, in whole blocks from all over its partitions. Each
 * statement reads the same blocks. Of a table that was never analysed it is one row in a hundred.
 * @param relation a quoted name with its schema
 * @param rows undefined for all rows
 */
export function tableSample(relation: string, rows: number | undefined): string {
  if (rows === undefined) return ''
  const oid = `${quotedText(relation)}::regclass`
  return ` tablesample system ((
    select least(100, coalesce(100.0 * ${rows} / nullif(pg_catalog.sum(reltuples), 0), 1))
    from pg_catalog.pg_class
    where relkind = 'r' and reltuples > 0
      and oid in (select relid from pg_catalog.pg_partition_tree(${oid}) union all select ${oid})
  )) repeatable (1)`
}

import { quotedText } from './sql-text.ts'

/**
 * What follows the alias of a table in a `from`, so that about so many of its rows are read: whole blocks from all over the table and its
 * partitions, the same ones by each statement. One row in a hundred of a table that nobody has analysed.
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

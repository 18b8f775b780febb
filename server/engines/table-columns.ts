import type { Sql } from '../database/sql.ts'

/** A column of a table of an engine. */
interface Column {
  /** As a quoted name. */
  name: string
  type: string
  /** PostgreSQL computes it, so that no statement may set it. */
  generated: boolean
}

/**
 * The columns of a table, in their order. A type that the engine has made is a text: the archive would else keep the engine from dropping it.
 * @param table with its schema, as quoted names
 */
export const readColumns = async (sql: Sql, table: string): Promise<Column[]> => [
  ...(await sql<Column[]>`
    select
      quote_ident(attname) as name,
      case when typnamespace = 'pg_catalog'::regnamespace then format_type(atttypid, atttypmod) else 'text' end as type,
      attgenerated <> '' as generated
    from pg_attribute
    join pg_type on pg_type.oid = atttypid
    where attrelid = ${table}::text::regclass and attnum > 0 and not attisdropped
    order by attnum`),
]

/** The names of `columns` that an archive of ours lacks: all of them where there is no such table. */
export async function columnsMissingIn(sql: Sql, archive: string, columns: readonly string[]): Promise<string[]> {
  const kept = await sql<{ name: string }[]>`
    select quote_ident(attname) as name
    from pg_attribute
    where attrelid = to_regclass(${archive}::text) and attnum > 0 and not attisdropped`
  const names = new Set(kept.map(({ name }) => name))
  return columns.filter((name) => !names.has(name))
}

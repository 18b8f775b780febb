import type { Sql } from '../../database/sql.ts'

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

interface Archive {
  /** The name of the table, without its schema. */
  name: string
  /** Columns that it has beside those of every archive and those of the engine, as parts of `create table`. */
  further?: readonly string[]
  /** The columns of the engine's table. */
  columns: readonly Pick<Column, 'name' | 'type'>[]
  /** The columns, separated by commas, that find a job of an operation, and a job by its id. */
  inOperation: string
  byId: string
}

/**
 * The statements that make an archive, and give it the columns that the engine has added since.
 * @param ours the schema of our tables, as a quoted name
 */
export function archiveTableStatements(
  ours: string,
  { name, further = [], columns, inOperation, byId }: Archive,
): string[] {
  const table = `${ours}.${name}`
  const always = [
    'operation_id bigint not null',
    'archived_at timestamptz not null default now()',
    'job_schema text not null',
  ]
  const added = columns.map((column) => `add column if not exists ${column.name} ${column.type}`)
  const index = (use: string, on: string) => `create index if not exists jobsctl_${name}_${use} on ${table} (${on})`
  return [
    `create table if not exists ${table} (\n  ${[...always, ...further].join(',\n  ')}\n)`,
    ...(added.length > 0 ? [`alter table ${table}\n  ${added.join(',\n  ')}`] : []),
    index('operation', `operation_id, ${inOperation}`),
    index('time', 'archived_at'),
    index('ids', byId),
  ]
}

import type { Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'

/** The table of deleted jobs, in the schema of our tables. */
export const archiveTable = 'bullmq_archive'

/** What the archive has of the tables of logs and of flows, as lists of rows. */
export const along = { logs: 'jobsctl_logs', edges: 'jobsctl_edges' } as const

/** A column of the engine's table. */
interface Column {
  /** As a quoted name. */
  name: string
  type: string
}

/**
 * The columns of the table of jobs, in their order. A type that the engine has made is a text: the archive would else keep the engine from
 * dropping it.
 * @param schema of the engine, as a quoted name
 */
export const readColumns = async (sql: Sql, schema: string): Promise<Column[]> => [
  ...(await sql<Column[]>`
    select
      quote_ident(attname) as name,
      case when typnamespace = 'pg_catalog'::regnamespace then format_type(atttypid, atttypmod) else 'text' end as type
    from pg_attribute
    join pg_type on pg_type.oid = atttypid
    where attrelid = ${`${schema}.job`}::text::regclass and attnum > 0 and not attisdropped
    order by attnum`),
]

const columnsOfArchive = async (sql: Sql, schema: string): Promise<Column[]> => [
  ...(await readColumns(sql, schema)),
  ...Object.values(along).map((name) => ({ name, type: 'jsonb' })),
]

/** The statements that make the archive, and give it the columns that the engine has added since. */
export async function archiveStatements(sql: Sql, { schema }: Found, ours: string): Promise<string[]> {
  const table = `${ours}.${archiveTable}`
  const columns = (await columnsOfArchive(sql, schema)).map(
    ({ name, type }) => `add column if not exists ${name} ${type}`,
  )
  return [
    `create table if not exists ${table} (
  operation_id bigint not null,
  archived_at timestamptz not null default now(),
  job_schema text not null
)`,
    `alter table ${table}\n  ${columns.join(',\n  ')}`,
    `create index if not exists jobsctl_bullmq_archive_operation on ${table} (operation_id, queue, id)`,
    `create index if not exists jobsctl_bullmq_archive_time on ${table} (archived_at)`,
    `create index if not exists jobsctl_bullmq_archive_ids on ${table} (queue, id)`,
  ]
}

/** The names of columns that the archive lacks. */
export async function missingInArchive(sql: Sql, { schema }: Found): Promise<string[]> {
  const kept = await sql<{ name: string }[]>`
    select quote_ident(attname) as name
    from pg_attribute
    where attrelid = to_regclass(${archiveTable}::text) and attnum > 0 and not attisdropped`
  const names = new Set(kept.map(({ name }) => name))
  return (await columnsOfArchive(sql, schema)).flatMap(({ name }) => (names.has(name) ? [] : name))
}

import type { Sql } from '../../database/sql.ts'
import { archiveTableStatements } from '../parts/archive-table.ts'
import { quotedText } from '../parts/sql-text.ts'
import { columnsOf } from './projection.ts'
import { type Column, type Mapped, rowJson, valueFrom } from './table.ts'

/** The table of deleted jobs, in the schema of our tables. */
export const archiveTable = 'mapped_archive'
/** The column of the archive, as statements see it, that has the whole row. */
export const archivedRow = 'native_row'
const columnNames = ['operation_id', 'archived_at', 'job_schema', 'job_table', 'native_id', 'row']

/**
 * The statements that make the archive: each row is one object, so that it stays as it is whatever becomes of the table. The order of the keys
 * means nothing: "C" compares their bytes, which takes less time than a language.
 */
export const archiveStatements = (ours: string): string[] =>
  archiveTableStatements(ours, {
    name: archiveTable,
    further: ['job_table text not null', 'native_id text collate "C" not null', 'row jsonb not null'],
    columns: [],
    inOperation: 'native_id',
    byId: 'native_id',
  })

/** The names of columns that the archive lacks: all of them where it is not there. */
export async function missingInArchive(sql: Sql): Promise<string[]> {
  const kept = await sql<{ name: string }[]>`
    select attname::text as name
    from pg_attribute
    where attrelid = to_regclass(${archiveTable}::text) and attnum > 0 and not attisdropped`
  return columnNames.filter((name) => kept.every((column) => column.name !== name))
}

/** The columns whose values a deleted job comes back with. */
export const keptColumns = ({ table }: Mapped): Column[] =>
  [...table.columns.values()].filter(({ isGenerated }) => !isGenerated)

/** What a deleted job fills in the archive. */
export const archivedColumns = (mapped: Mapped): { name: string; value: string }[] => [
  { name: 'job_table', value: `${quotedText(mapped.table.relation)}::text` },
  { name: 'native_id', value: `deleted.${keyColumn(mapped).quoted}::text` },
  { name: 'row', value: rowJson([...mapped.table.columns.values()], 'deleted') },
]

export function keyColumn({ table, map }: Mapped): Column {
  const column = table.columns.get(map.key)
  if (!column) throw new Error(`${table.relation} has no column ${map.key}`)
  return column
}

/**
 * The archive with the columns of `jobs_archive`, and the whole row beside them, as a query in parentheses. Only columns that a job is made of are
 * read from the row: PostgreSQL would plan each of 1,600 in every statement.
 */
export function archived(mapped: Mapped, ours: string): string {
  const { table } = mapped
  const job = columnsOf(mapped, {
    xmin: 'a.xmin',
    uuid: 'a.native_id',
    native_tid: 'a.ctid',
    native_part: 'a.tableoid',
    native_live: 'false',
  })
  const columns = [...table.columns.values()]
    .filter(({ quoted }) => job.includes(`j.${quoted}`))
    .map((column) => `${valueFrom('a.row', column)} as ${column.quoted}`)
  return `(select a.ctid, ${job}, a.row as ${archivedRow}, a.operation_id, a.archived_at,
    null::bytea as payload_compressed, null::bytea as result_compressed, null::jsonb as job_attachments, null::jsonb as job_dependencies
    from ${ours}.${archiveTable} a cross join lateral (select ${columns.join(', ')}) j
    where a.job_schema = ${quotedText(table.nspname)} and a.job_table = ${quotedText(table.relation)})`
}

/** True for copies of jobs of the table whose row lacks the column that a field of the map names now. */
export function unreadCopies({ table, map }: Mapped, fields: readonly ('owner' | 'payload')[]): string | undefined {
  const columns = fields.flatMap((field) => map[field]?.column ?? [])
  if (columns.length === 0) return undefined
  return `copy.job_schema = ${quotedText(table.nspname)} and copy.job_table = ${quotedText(table.relation)}
    and not copy.row ?& array[${columns.map(quotedText).join(', ')}]`
}

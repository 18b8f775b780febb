import { hasCode } from '../../database/errors/error-meanings.ts'
import type { Sql } from '../../database/sql.ts'
import { withinReadTime } from '../../database/timeouts.ts'
import type { Column, Table } from '../mapped/table.ts'
import { quotedText } from '../parts/sql-text.ts'
import { isAloneUnique, keyOf } from './columns.ts'
import { stateOfWord } from './state-words.ts'

/** How many rows of a table are read at most. */
const mostRows = 10_000
/** Values are told of a column with fewer than these. */
const fewValues = 20
/** A longer value may be a text of somebody. */
const longestValue = 40

/**
 * An SQL query in parentheses: at most 10,000 rows of a table. Of a large one these are the newest rows by key, and rows from all over the table,
 * since its first rows have often all ended.
 * @param columns what of the rows is read
 */
export function sampleOf(table: Table, columns: readonly Column[]): string {
  const list = columns.map(({ quoted }) => `j.${quoted}`).join(', ') || '1 as row'
  if (table.rows <= 2 * mostRows) return `(select ${list} from ${table.relation} j limit ${mostRows})`
  const key = keyOf(table)
  const half = mostRows / 2
  // A fifth more, since the number of rows is what the planner believes.
  const percent = Math.min(100, Math.max(0.0001, (120 * half) / table.rows))
  const spread = `select ${list} from ${table.relation} j tablesample system (${percent.toFixed(4)}) repeatable (1) limit ${half}`
  const newest = key ? `select ${list} from ${table.relation} j order by j.${key.quoted} desc limit ${half}` : spread
  return `((${newest}) union all (${spread}))`
}

/** What the rows of a sample with one value of a column have. */
export interface SeenValue {
  /** Null for rows without a value. */
  value: string | null
  rows: number
  /** How many of the rows have a lock, an error, and the time of an end. */
  locked: number
  failed: number
  ended: number
}

/** Columns whose values are, or are not, null where a job is in a state. */
export interface Signs {
  lock: Column | undefined
  error: Column | undefined
  ends: readonly Column[]
}

/**
 * The values of a column, with what else their rows have, by the number of their rows. Nothing of a column whose values could be secrets: one with a
 * unique index, with 20 values or more, with a long one, or with a value of its own in each row.
 * @returns undefined where the values are not told
 */
export async function readValues(
  sql: Sql,
  table: Table,
  column: Column,
  { lock, error, ends }: Signs,
): Promise<SeenValue[] | undefined> {
  if (isAloneUnique(table, column) || (await hasManyValues(sql, table, column))) return undefined
  const used = [...new Set([column, ...[lock, error].flatMap((one) => one ?? []), ...ends])]
  const any = ends.map(({ quoted }) => `${quoted} is not null`).join(' or ') || 'false'
  const rows = await sql<(SeenValue & { length: number })[]>`
    select
      pg_catalog.left(${sql.unsafe(column.quoted)}::text, ${longestValue + 1}::int) as value,
      pg_catalog.count(*) as rows,
      pg_catalog.max(pg_catalog.length(${sql.unsafe(column.quoted)}::text)) as length,
      ${sql.unsafe(lock ? `pg_catalog.count(${lock.quoted})` : '0::bigint')} as locked,
      ${sql.unsafe(error ? `pg_catalog.count(nullif(${error.quoted}::text, ''))` : '0::bigint')} as failed,
      pg_catalog.count(*) filter (where ${sql.unsafe(any)}) as ended
    from ${sql.unsafe(sampleOf(table, used))} as sample
    group by 1
    order by 2 desc, 1
    limit ${fewValues + 1}::int`
  const values = rows.filter(({ value }) => value !== null)
  // A secret of each row, unless each is a word for a state: a table to try things with has one row of each.
  const isOwn =
    values.length > 4 && values.every((one) => one.rows === 1) && !values.every(({ value }) => isKnown(value))
  if (values.length >= fewValues || isOwn || values.some(({ length }) => length > longestValue)) return undefined
  return rows.map(({ length: _, ...one }) => one)
}

const isKnown = (value: string | null): boolean =>
  value !== null && (/^\d{1,3}$/.test(value) || stateOfWord(value) !== undefined)

/** What the planner knows of the values of the whole table: more than a sample may show. */
async function hasManyValues(sql: Sql, { nspname, relation, rows }: Table, { name }: Column): Promise<boolean> {
  const [row] = await sql<{ values: number }[]>`
    select case when n_distinct < 0 then -n_distinct * ${Math.max(rows, 0)}::float8 else n_distinct end as values
    from pg_catalog.pg_stats
    where schemaname = ${nspname}::text and attname = ${name}::text
      and pg_catalog.format('%I.%I', schemaname, tablename) = ${relation}::text
    order by inherited desc
    limit 1`
  return (row?.values ?? 0) >= fewValues
}

/** What else is told of a sample. */
export interface SampleFacts {
  rows: number
  /** Columns with numbers that count milliseconds, by their names. */
  milliseconds: ReadonlySet<string>
  /** How many rows have an end and an error. */
  endedWithError: number
}

/** A number of seconds this large is in the year 5138; one of milliseconds was in 1973. */
const largestSeconds = 100_000_000_000

/** Reads how many rows a sample has, which of its numbers are no seconds, and how many rows have both an end and an error. */
export async function readSampleFacts(
  sql: Sql,
  table: Table,
  { numbers, end, error }: { numbers: readonly Column[]; end: Column | undefined; error: Column | undefined },
): Promise<SampleFacts> {
  const used = [...new Set([...numbers, ...[end, error].flatMap((one) => one ?? [])])]
  const pairs = numbers.map(
    ({ name, quoted }) => `case when pg_catalog.max(${quoted}) > ${largestSeconds} then ${quotedText(name)} end`,
  )
  const both = end && error ? `${end.quoted} is not null and ${error.quoted} is not null` : 'false'
  const [row] = await sql<[{ rows: number; large: string[]; both: number }]>`
    select
      pg_catalog.count(*) as rows,
      pg_catalog.to_jsonb(pg_catalog.array_remove(array[${sql.unsafe(pairs.join(', '))}]::text[], null)) as large,
      pg_catalog.count(*) filter (where ${sql.unsafe(both)}) as both
    from ${sql.unsafe(sampleOf(table, used))} as sample`
  return { rows: row.rows, milliseconds: new Set(row.large), endedWithError: row.both }
}

/**
 * Runs a read of rows, in a transaction that can only read.
 * @returns undefined where it took longer than 5 s, or another transaction has the table locked
 */
export const readRows = <Result>(sql: Sql, read: (sql: Sql) => Promise<Result>): Promise<Result | undefined> =>
  withinReadTime(sql, read).catch((error: unknown) => {
    if (hasCode(error, ['55P03'])) return undefined
    throw error
  })

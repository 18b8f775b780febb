import { Failure } from '../../../shared/errors.ts'
import type { Fragment, Sql } from '../../database/sql.ts'

/** A column of a table, beside the column of the same name in a second table. */
export interface ColumnPair {
  name: string
  type: string
  /** The type in the second table; null where the second table has no such column. */
  otherType: string | null
  /** PostgreSQL computes the column from other columns. */
  isGenerated: boolean
  isOtherGenerated: boolean
  isNotNull: boolean
  /** The expression of the default; null where the column has none, and for a generated column. */
  defaultExpression: string | null
  /** PostgreSQL can assign a value of the second table's type to the column. */
  isAssignable: boolean
}

/** The columns of `table` in their order, each with its counterpart in the table `other`. */
export const readColumnPairs = async (sql: Sql, table: string, other: string): Promise<ColumnPair[]> => [
  ...(await sql<ColumnPair[]>`
    select
      own.attname as name,
      format_type(own.atttypid, own.atttypmod) as type,
      format_type(there.atttypid, there.atttypmod) as "otherType",
      own.attgenerated <> '' as "isGenerated",
      coalesce(there.attgenerated <> '', false) as "isOtherGenerated",
      own.attnotnull as "isNotNull",
      case when own.attgenerated = '' then pg_get_expr(preset.adbin, preset.adrelid) end as "defaultExpression",
      coalesce(
        own.atttypid = there.atttypid
          or type.typcategory = 'S'
          or exists (
            select from pg_cast
            where castsource = there.atttypid and casttarget = own.atttypid and castcontext in ('a', 'i')
          ),
        false
      ) as "isAssignable"
    from pg_attribute own
    join pg_type type on type.oid = own.atttypid
    left join pg_attrdef preset on preset.adrelid = own.attrelid and preset.adnum = own.attnum
    left join pg_attribute there
      on there.attrelid = to_regclass(${other}) and there.attname = own.attname and not there.attisdropped
    where own.attrelid = to_regclass(${table}) and own.attnum > 0 and not own.attisdropped
    order by own.attnum`),
]

/** The columns that an INSERT restores, as fragments. */
export interface RestoredColumns {
  /** `a, b, c` */
  names: Fragment
  /** The same columns of the row with the alias `row`. A column that must not be null falls back to its default. */
  valuesOf: (row: string) => Fragment
  /**
   * `on conflict do nothing`, which leaves rows that exist already. Empty where the table has a deferrable unique
   * constraint, since PostgreSQL rejects the clause there.
   */
  onConflict: Fragment
}

/**
 * Reads which columns of `table` can be restored from `source`: the columns of both that PostgreSQL does not compute.
 * @throws Failure `conflict` when the types of a column do not fit
 */
export async function readRestoredColumns(tx: Sql, table: string, source = table): Promise<RestoredColumns> {
  const [pairs, [deferrable]] = await Promise.all([
    readColumnPairs(tx, table, source),
    tx`select from pg_index where indrelid = to_regclass(${table}) and not indimmediate limit 1`,
  ])
  const columns = pairs.filter(({ otherType, isGenerated }) => otherType !== null && !isGenerated)
  const misfit = columns.find(({ isAssignable }) => !isAssignable)
  if (misfit) throw typesDiffer(misfit, table, source)
  const names = columns.map(({ name }) => name)
  return {
    names: columnList(tx, names),
    valuesOf: (row) =>
      columns.map((column) => restoredValue(tx, column, row)).reduce((list, value) => tx`${list}, ${value}`),
    onConflict: deferrable ? tx`` : tx`on conflict do nothing`,
  }
}

function restoredValue(tx: Sql, { name, isNotNull, defaultExpression }: ColumnPair, row: string): Fragment {
  const value = columnList(tx, [name], row)
  return isNotNull && defaultExpression !== null ? tx`coalesce(${value}, ${tx.unsafe(defaultExpression)})` : value
}

const typesDiffer = ({ name, type, otherType }: ColumnPair, table: string, source: string): Failure =>
  new Failure(
    'conflict',
    `the column ${name} of ${table} has the type ${type} now, and ${source} has ${otherType}; nothing was changed`,
    { hint: `change the column of ${source} to the same type, and try again` },
  )

/** `a, b, c`, or `t.a, t.b, t.c` with the alias of a table. */
export const columnList = (sql: Sql, columns: readonly string[], table?: string): Fragment =>
  columns
    .map((name) => (table ? sql`${sql(table)}.${quoted(sql, name)}` : quoted(sql, name)))
    .reduce((list, column) => sql`${list}, ${column}`)

/** A quoted identifier. The driver's own quoting would split a name at a dot. */
export const quoted = (sql: Sql, name: string): Fragment => sql.unsafe(`"${name.replaceAll('"', '""')}"`)

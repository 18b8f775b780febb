import type { ISql, Sql as Postgres, TransactionSql } from 'postgres'

/** JavaScript types of PostgreSQL's: 64-bit integers are numbers, since counts and ids stay below 2^53; times are ISO 8601 texts. */
interface Types extends Record<string, unknown> {
  bigint: number
  json: unknown
  timestamptz: string
  timestamp: string
  date: string
}

/** Runs a statement: the pool, or a transaction. */
export type Sql = ISql<Types>

/** The pool, which can begin a transaction. */
export type Pool = Postgres<Types>

/** A transaction, which can have savepoints. */
export type Transaction = TransactionSql<Types>

/** One connection of the pool, until it is released. */
export type Connection = Awaited<ReturnType<Pool['reserve']>>

/** A part of a statement. */
export type Fragment = ReturnType<Sql['unsafe']>

/** A fragment without parameters, made once per pool or transaction, because making it takes as long as sending it. */
export function staticFragment(make: (sql: Sql) => Fragment): (sql: Sql) => Fragment {
  const made = new WeakMap<Sql, Fragment>()
  return (sql) => {
    const known = made.get(sql) ?? make(sql)
    made.set(sql, known)
    return known
  }
}

/** An SQL condition: true for a time that the API can show, of the years 1 to 9999. Somebody may write another by SQL, such as `infinity`. */
export const isShownTime = (sql: Sql, time: Fragment): Fragment => sql`
  (${time} >= '0001-01-01 00:00Z'::timestamptz and ${time} < '10000-01-01 00:00Z'::timestamptz)`

/** An SQL expression: the time of a column as the API has it, to the second. */
export const utcText = (sql: Sql, column: string): Fragment =>
  sql`to_char(${sql(column)} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`

/**
 * A table with all its partitions, as rows `(part)`, for a `from`. `pg_partition_tree` has no row for a table without partitions. Where there
 * is no table, `part` is null.
 * @param table an expression of the type oid or regclass
 */
export const tableParts = (sql: Sql, table: Fragment): Fragment => sql`
  (select ${table}::regclass as part union select relid from pg_partition_tree(${table}::regclass))`

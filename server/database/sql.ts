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
export type Session = Awaited<ReturnType<Pool['reserve']>>

/** A part of a statement. */
export type Fragment = ReturnType<Sql['unsafe']>

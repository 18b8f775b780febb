import type { Host } from '../../env/conninfo-target.ts'
import type { Pool, Sql } from '../sql.ts'
import type { OpeningPurpose } from './opening.ts'

/** Receives the notifications of one channel. */
export interface Listener {
  /** Called with the payload of each notification. */
  heard: (notice: string) => void
  /** Called when notifications begin to arrive, also after a reconnect; earlier ones may be lost. */
  listening: () => void
}

/** A streaming replica that reads may use. */
export interface OpenedReplica {
  /** Its connections, whose transactions are read only. */
  sql: Pool
  /** One connection to the primary and one to the replica, which no read keeps busy: whether the replica answers is asked on them. */
  look: { primary: Pool; replica: Pool }
  /** The same as `takePassword` of the database. */
  takePassword: (url: string) => boolean
}

/** A database that is open: PostgreSQL behind a pool, or the embedded one. */
export interface OpenedDatabase {
  /** Where a PostgreSQL server is looked for, in turn; empty for the embedded database. */
  hosts: readonly Host[]
  /** The pool for calls of workers, and for the work of the server itself. */
  sql: Pool
  /** The pool for calls of operators; the embedded database has only one connection for all calls. */
  operatorSql: Pool
  /** A streaming replica (`JOBS_DB_READ_URL`). */
  replica?: OpenedReplica
  /**
   * Finds the schema of the tables. From then on every statement names the schema. A second call returns the same schema.
   * @throws Failure `usage` when several schemas hold a table of jobs, and for a database that belongs to other programs
   */
  findSchema: (from: Sql) => Promise<string>
  /**
   * Runs long work, such as a migration, on a pool of its own, so that calls keep all connections of their own pool. The
   * embedded database has only one connection and runs the work on that one.
   */
  withDedicatedPool: <Result>(work: (own: Pool) => Promise<Result>) => Promise<Result>
  /**
   * Sets a statement that each new connection runs before any other, in place of the one with the same purpose. Undefined where a connection is no session of
   * PostgreSQL: the embedded database never fails over, and a pooler changes sessions without a word.
   */
  openWith?: (purpose: OpeningPurpose, statement: string) => void
  /**
   * Connections for the jobs of other engines that are served beside our own, as many as operators have. They are opened when they are first
   * used, and run the statement before any other. Undefined where those of operators serve.
   */
  engineSql?: (statement: string) => Pool
  /**
   * Takes the password of another URL for connections that are opened from now on. Undefined for the embedded database.
   * @returns false where the URL differs in more than its password, and nothing was taken
   */
  takePassword?: (url: string) => boolean
  /** Listens to a channel, and listens again after a lost connection. */
  listen: (channel: string, listener: Listener) => void
  /**
   * Closes the database within `graceMs` milliseconds and a moment, whatever state it is in.
   * @returns false when a thread waits for the disk and cannot be ended, so that `process.exit` would wait for it, too
   */
  close: (graceMs: number) => Promise<boolean>
  /** Ends the threads of the database at once, as `kill -9` would. Returns what `close` returns. */
  abandon: () => Promise<boolean>
  /** Resolves with a clause that says why, when the database cannot be used any more and only a restart of the server helps. */
  lost: Promise<string>
}

import type { Sql } from 'postgres'
import type { ThrowawayPostgres } from '../../launch/postgres.ts'
import type { Server } from '../../launch/restartable.ts'
import type { Random } from '../stress/random.ts'
import type { Outcome } from './calls.ts'

/** The database, the servers and the log, which all parts of a campaign share. */
export interface Context {
  sql: Sql
  postgres: ThrowawayPostgres
  servers: readonly [Server, Server]
  random: Random
  /** The share of changes that go on without their callers, from 0 to 1. */
  detachedShare: number
  /** Records and prints a violation. The campaign continues. */
  reportViolation: (violation: string) => void
  /** Prints a line with the time since the start. */
  log: (message: string) => void
}

/** A bulk change that a client can send to any server. */
export interface Change {
  name: string
  /** Sends the change to the server with this base URL, at random with a preview before it. */
  send: (server: string, options?: CallOptions) => Promise<Outcome<unknown>>
  /** The arguments of jobsctl for the same change. */
  argv?: readonly string[]
  /** The approximate number of jobs that match. */
  jobCount: number
}

/** Options of one call of a change. */
export interface CallOptions {
  /** Receives the number of jobs that are changed so far. When present, the call requests a progress stream. */
  progressed?: ((affected: number) => void) | undefined
  /** Aborts the request and closes its connection. */
  signal?: AbortSignal | undefined
}

/**
 * Calls `query` until it resolves, for at most 30 s, since the campaign crashes PostgreSQL.
 * @throws the last error of `query`
 */
export async function retryWhileUnavailable<T>(query: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + 30_000; ; ) {
    try {
      return await query()
    } catch (error) {
      if (Date.now() > end) throw error
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
}

import type { Sql } from 'postgres'
import type { ThrowawayPostgres } from '../../postgres/start.ts'
import type { Random } from '../stress/random.ts'
import type { Outcome } from './calls.ts'
import type { Server } from './servers.ts'

/** What all parts of a run share. */
export interface Stage {
  sql: Sql
  postgres: ThrowawayPostgres
  servers: readonly [Server, Server]
  random: Random
  /** A violation; the run goes on. */
  wrong: (what: string) => void
  /** A line of what happens. */
  tell: (what: string) => void
}

/** A change of many jobs, as an operator asks for it. */
export interface Change {
  name: string
  /** Asks a server for it: by a preview first, or without; told line by line, or at the end. */
  ask: (server: string, options?: Asking) => Promise<Outcome<unknown>>
  /** Asks for it as `jobsctl` does. */
  argv?: readonly string[]
  /** About so many jobs. */
  size: number
}

export interface Asking {
  /** Hears how many jobs are changed. */
  progressed?: (affected: number) => void
  signal?: AbortSignal
}

/** Tries again while the database is away. */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + 30_000; ; ) {
    try {
      return await ask()
    } catch (error) {
      if (Date.now() > end) throw error
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
}

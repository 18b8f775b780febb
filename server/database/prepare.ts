import { setTimeout as wait } from 'node:timers/promises'
import { Failure } from '../../shared/errors.ts'
import type { Log } from '../log.ts'
import type { Opened } from './embedded.ts'
import { isConnectionLost, isLocked, isPooler, isReadOnly, isRefused } from './failure.ts'
import { migrate } from './migrate.ts'

interface Preparing {
  apart: Opened['apart']
  log: Log
  pooled: boolean
  tablesReady: () => void
  isReady: () => boolean
  isStopping: () => boolean
}

/** Migrates, and tries again while the database cannot be reached or is busy. */
export async function prepare({ apart, log, pooled, tablesReady, isReady, isStopping }: Preparing): Promise<void> {
  let pause = 1000
  while (!isStopping()) {
    try {
      return await apart((sql) => migrate({ sql, log, pooled, tablesReady }))
    } catch (error) {
      const why = error instanceof Error ? error.message || String(error) : String(error)
      if (isReady()) return log.warn(`indexes are missing, so some calls are slow; the next start tries again: ${why}`)
      if (isPooler(error)) {
        throw new Failure('usage', 'a connection pooler refuses the settings of this server', {
          hint: 'set JOBS_DB_POOLER=true, and see docs/deploy/pooler.md for what to tell the pooler',
          cause: error,
        })
      }
      if (isRefused(error)) {
        throw new Failure('usage', `the database refuses this server: ${why}`, {
          hint: 'it must be able to log in, to make tables in its schema, and to alter jobs where a column is missing',
          cause: error,
        })
      }
      if (!isConnectionLost(error) && !isLocked(error) && !isReadOnly(error)) throw error
      log.warn(`the database is not ready, trying again in ${pause / 1000} s: ${why}`)
      await wait(pause)
      // Each try makes the writers of a busy table wait for a moment, so the tries grow rare.
      if (isLocked(error)) pause = Math.min(2 * pause, 30_000)
    }
  }
}

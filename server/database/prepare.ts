import { setTimeout as wait } from 'node:timers/promises'
import { Failure } from '../../shared/errors.ts'
import type { Log } from '../log.ts'
import type { OpenedDatabase } from './embedded.ts'
import { isAccessRefused, isConnectionLost, isLocked, isPooler, isReadOnly } from './failure.ts'
import { migrate } from './migrate.ts'

interface Preparing {
  opened: Pick<OpenedDatabase, 'withDedicatedPool' | 'findSchema'>
  log: Log
  pooled: boolean
  tablesReady: () => void
  isReady: () => boolean
  isStopping: () => boolean
}

/** Migrates, and tries again while the database cannot be reached or is busy. */
export async function prepare({ opened, log, pooled, tablesReady, isReady, isStopping }: Preparing): Promise<void> {
  let pause = 1000
  let told: string | undefined
  while (!isStopping()) {
    try {
      return await opened.withDedicatedPool(async (sql) => {
        const schema = await opened.findSchema(sql)
        if (schema !== told) log.info(`the tables are in the schema ${schema}`)
        told = schema
        await migrate({ sql, log, schema, pooled, tablesReady })
      })
    } catch (error) {
      const why = error instanceof Error ? error.message || String(error) : String(error)
      if (isReady()) return log.warn(`indexes are missing, so some calls are slow; the next start tries again: ${why}`)
      if (isPooler(error)) {
        throw new Failure('usage', 'a connection pooler refuses the settings of this server', {
          hint: 'set JOBS_DB_POOLER=true, and see docs/deploy/pooler.md for what to tell the pooler',
          cause: error,
        })
      }
      if (isAccessRefused(error)) {
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

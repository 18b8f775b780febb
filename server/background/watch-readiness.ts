import { Failure } from '../../shared/errors.ts'
import type { Pool } from '../database/sql.ts'
import { createReadiness } from '../engines/readiness.ts'
import { keepsRecords } from '../engines/served.ts'
import type { Log } from '../log/log.ts'
import type { EventLogMove } from './event-log-move.ts'

/** Whether the server answers calls yet. */
export interface Readiness {
  isReady: () => boolean
  /** True while reads alone can be answered, since the database is a replica. */
  isStandby: () => boolean
  standbyReady: () => void
  tablesReady: () => void
  /** True once `tablesReady` has been called, which is a little before the server is ready. */
  hasTables: () => boolean
  /** Resolves once the server is ready, when `tablesReady` has been called. */
  becameReady: () => Promise<void>
  checkDatabase: () => Promise<void>
}

interface ReadinessOptions {
  sql: Pool
  log: Log
  eventLogMove: EventLogMove
  rememberInstallation: () => Promise<void>
  /** Has what counts jobs count. */
  beginCounting: () => Promise<void>
}

/** The server becomes ready when its tables are there, after it has looked whether ids of events must move on, and once what counts is on. */
export function watchReadiness({
  sql,
  log,
  eventLogMove,
  rememberInstallation,
  beginCounting,
}: ReadinessOptions): Readiness {
  let ready = false
  let standby = false
  let becoming: Promise<void> | undefined
  const answersSoon = createReadiness(sql)
  const becomeReady = async () => {
    if (keepsRecords(sql)) {
      // Before the first call: a restored database must not give out the id of an event a second time.
      await eventLogMove.check()
      await rememberInstallation()
      await beginCounting()
    }
    log.info('ready')
    ready = true
  }
  return {
    isReady: () => ready,
    isStandby: () => standby && !ready,
    standbyReady: () => {
      if (!standby)
        log.warn('the database is a replica: reads are answered, and everything else is 503 until it is promoted')
      standby = true
    },
    tablesReady: () => {
      becoming ??= becomeReady()
    },
    hasTables: () => becoming !== undefined,
    becameReady: async () => becoming,
    checkDatabase: async () => {
      if (ready && (await answersSoon())) return
      const why = standby && !ready ? 'is a replica, over which this server answers reads alone' : 'is not ready'
      throw new Failure('database_unavailable', `the database ${why}`, { retryAfter: 2 })
    },
  }
}

import { setTimeout as wait } from 'node:timers/promises'
import { deleteOldAgentCalls } from '../auth/agents/agent-calls.ts'
import { deleteEndedAgentSessions } from '../auth/agents/agent-sessions.ts'
import { forgetLogins } from '../auth/oidc/begun-logins.ts'
import { forgetCallers } from '../auth/oidc/known-callers.ts'
import { deleteEndedSessions } from '../auth/sessions/session-store.ts'
import { deleteLeftRequests } from '../bulk/record/kept-request.ts'
import { closeOrphans } from '../bulk/record/liveness.ts'
import { createErrorLog } from '../database/errors/error-log.ts'
import { isConnectionLost } from '../database/errors/failure.ts'
import { noteSuccess } from '../database/installation/background-tasks.ts'
import { isFrozen } from '../database/installation/freeze.ts'
import type { Pool } from '../database/sql.ts'
import type { Log } from '../log/log.ts'
import { errorText } from '../log/system-error.ts'
import { deleteExpiredArchive } from '../undo/archive/archive-retention.ts'
import { leavesJobs } from '../undo/leaves-jobs.ts'
import { deleteOldSightings } from '../waiting/worker-sightings.ts'
import type { IsPaused } from './background-pause.ts'
import type { createChainLog } from './chain-log.ts'
import type { createEmbeddedVacuum } from './embedded-vacuum.ts'
import { deleteEndedHolds } from './ended-holds.ts'
import type { EventLogMove } from './event-log-move.ts'
import { deleteOldPlans } from './old-plans.ts'
import type { Retention } from './retention.ts'
import type { SettingsExchange } from './server-settings.ts'

const pauseMs = 5000
const deleteEveryMs = 5 * 60_000
const exchangeEveryMs = 30_000

interface Maintenance {
  sql: Pool
  log: Log
  localOperations: ReadonlySet<number>
  archiveDays: number
  isReady: () => boolean
  eventLogMove: EventLogMove
  rememberInstallation: () => Promise<void>
  settingsExchange: SettingsExchange
  chainLog: ReturnType<typeof createChainLog>
  eventRetention: Retention
  historyRetention: Retention
  claimRetention: Retention
  /** Undefined on a PostgreSQL server, which has autovacuum. */
  embeddedVacuum: ReturnType<typeof createEmbeddedVacuum> | undefined
  isPaused: IsPaused
  stopping: AbortSignal
}

/**
 * The periodic tasks of a server, until it stops. Settings are compared with those of other servers, the last hash of the records is
 * logged, and a database that is another than before is noticed. Unless the server stands still, orphaned operations are closed, and expired
 * events, history and rows of the archive, ended holds, ended sessions, old plans and old sightings of workers are deleted. Several servers may
 * do them at once; each skips rows that another one has locked.
 */
export async function runMaintenance({
  sql,
  log,
  localOperations,
  archiveDays,
  isReady,
  eventLogMove,
  rememberInstallation,
  settingsExchange,
  chainLog,
  eventRetention,
  historyRetention,
  claimRetention,
  embeddedVacuum,
  isPaused,
  stopping,
}: Maintenance): Promise<void> {
  const errors = createErrorLog(log, 'maintenance')
  const deletions = [
    async () => {
      const deleted = await deleteExpiredArchive(sql, { days: archiveDays, stopping })
      if (deleted > 0) log.info('swept the archive', { rows: deleted })
    },
    () => deleteOldSightings(sql),
    () => deleteLeftRequests(sql),
    () => deleteEndedHolds(sql, stopping),
    () => deleteEndedSessions(sql),
    () => deleteEndedAgentSessions(sql),
    () => deleteOldAgentCalls(sql, stopping),
    () => forgetCallers(sql),
    () => forgetLogins(sql),
    () => deleteOldPlans(sql),
  ]
  let exchangedAt = Number.NEGATIVE_INFINITY
  for (let deletedAt = Number.NEGATIVE_INFINITY; !stopping.aborted; ) {
    await wait(pauseMs, undefined, { signal: stopping, ref: false }).catch(() => {})
    if (stopping.aborted || !isReady()) continue
    try {
      await eventLogMove.check()
      await rememberInstallation()
      if (performance.now() - exchangedAt >= exchangeEveryMs) {
        await settingsExchange.run()
        exchangedAt = performance.now()
      }
      await chainLog.run()
      await embeddedVacuum?.run()
      if (await isPaused()) continue
      await closeOrphans({ sql, log, localOperations }, leavesJobs)
      await eventRetention.run()
      await historyRetention.run()
      await claimRetention.run()
      if (performance.now() - deletedAt < deleteEveryMs) continue
      const failures = await runAll(deletions)
      deletedAt = performance.now()
      if (failures.length > 0) throw new AggregateError(failures, [...new Set(failures.map(errorText))].join('; '))
      await noteSuccess(sql, 'maintenance')
      errors.clear()
    } catch (error) {
      if (!isFrozen(error)) errors.warn(error)
    }
  }
}

/**
 * Runs all deletions, one after the other: a table that refuses one, by a trigger of another program for instance, keeps no other table from
 * its own.
 * @returns the errors
 * @throws Failure `frozen`, or the error of a lost connection, at once
 */
async function runAll(deletions: readonly (() => PromiseLike<unknown>)[]): Promise<unknown[]> {
  const failures: unknown[] = []
  for (const deletion of deletions) {
    try {
      await deletion()
    } catch (error) {
      if (isFrozen(error) || isConnectionLost(error)) throw error
      failures.push(error)
    }
  }
  return failures
}

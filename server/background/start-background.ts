import { setTimeout as wait } from 'node:timers/promises'
import { warnOfTokens } from '../auth/token-warnings.ts'
import type { ServerContext } from '../call.ts'
import { keepCounts } from '../counts/keeper.ts'
import type { OpenedDatabase } from '../database/connection/opened-database.ts'
import { noteEngines, rememberEngine } from '../database/installation/engine-setting.ts'
import { prepare } from '../database/migrate/prepare.ts'
import type { Sql } from '../database/sql.ts'
import { prepareEngine } from '../engines/prepare-engine.ts'
import { keepsRecords, servedBy } from '../engines/served.ts'
import type { Env } from '../env/env.ts'
import { keepHistory } from '../history/keeper.ts'
import { workChannel } from '../lifecycle/events/job-events.ts'
import { type LongPolls, wakeNotified } from '../waiting/long-poll.ts'
import { createBackgroundPause } from './background-pause.ts'
import { createChainLog } from './chain-log.ts'
import { runChecks } from './checks.ts'
import { goOnWithChanges } from './detached-changes.ts'
import { createEmbeddedVacuum } from './embedded-vacuum.ts'
import type { EventLogMove } from './event-log-move.ts'
import { keepDepths } from './keep-depths.ts'
import { cancelLeft } from './left-dependents.ts'
import { runMaintenance } from './maintenance.ts'
import { runPolicy } from './policy/run-policy.ts'
import { createClaimRetention, createEventRetention, createHistoryRetention } from './retention.ts'
import { agreedSettings, createSettingsExchange } from './server-settings.ts'
import { watchEngine } from './watch-engine.ts'
import type { Readiness } from './watch-readiness.ts'

interface BackgroundOptions {
  opened: OpenedDatabase
  env: Env
  context: ServerContext
  readiness: Readiness
  eventLogMove: EventLogMove
  rememberInstallation: () => Promise<void>
  /** The URL of this server. */
  address: string
  /** Brings our tables beside the jobs of another engine up to date. Absent unless `JOBS_MIGRATE` is set to true. */
  makeRecords: (() => Promise<unknown>) | undefined
}

const longestCountsEndMs = 5000

/**
 * Starts the migration, the notifications, the maintenance, the changes without callers, the dependents that
 * were left, the policy, the checks, the counts and the history; `ended`
 * resolves when they have stopped.
 */
export function startBackground({
  opened,
  env,
  context,
  readiness,
  eventLogMove,
  rememberInstallation,
  address,
  makeRecords,
}: BackgroundOptions) {
  const { sql, log, stopping, longPolls } = context
  const { hasTables, tablesReady, becameReady } = readiness
  // A server that only looks has nothing to do now and then, and only our own jobs have dependents, counts and a history that it keeps.
  const isReady = () => readiness.isReady() && keepsRecords(sql)
  const isReadyForOwn = () => readiness.isReady() && servedBy(sql).mode === 'own'
  const makes = env.JOBS_MIGRATE !== false
  const prepared = prepare({
    opened,
    log,
    pooled: env.JOBS_DB_POOLER,
    mode: env.JOBS_INDEXES,
    makes,
    isPrepared: (from) => prepareEngine({ opened, env, log, makeRecords }, from),
    tablesReady,
    standbyReady: readiness.standbyReady,
    isReady: hasTables,
    isStopping: () => stopping.aborted,
  }).then(async () => {
    await becameReady()
    const { mode, places } = servedBy(sql)
    if (makes && mode === 'own') await rememberEngine(sql, env)
    if (mode === 'own') await noteEngines(sql, [...new Set(places.map(({ adapter }) => adapter.engine))])
    if (env.AUTH_MODE === 'multi_user') await warnOfTokens(sql, log).catch(() => {})
  })
  listenForWork(opened, longPolls, () => {
    // After a failover the connection leads to another database.
    if (isReady()) void eventLogMove.check()
  })
  const settingsExchange = createSettingsExchange({ sql, log, settings: agreedSettings(env), address })
  const chainLog = createChainLog({ sql, log })
  const isPaused = createBackgroundPause(context)
  const eventRetention = createEventRetention({ sql, log, env, stopping })
  const historyRetention = createHistoryRetention({ sql, log, stopping })
  const claimRetention = createClaimRetention({ sql, stopping })
  const embeddedVacuum = env.JOBS_DB_URL === undefined ? createEmbeddedVacuum({ sql, log }) : undefined
  const maintenance = runMaintenance({
    ...context,
    ...{
      isReady,
      isPaused,
      eventLogMove,
      rememberInstallation,
      settingsExchange,
      chainLog,
      eventRetention,
      historyRetention,
      claimRetention,
      embeddedVacuum,
    },
  })
  const changes = goOnWithChanges(context, { isReady, isPaused })
  const dependents = cancelLeft(context, { isReady: isReadyForOwn, isPaused })
  const policy = runPolicy(context, { isReady, isPaused })
  const checks = context.meter ? runChecks(context, { isReady, isPaused }) : undefined
  const engines = watchEngine(context, { isReady: readiness.isReady, isPaused })
  // Counting waits for the indexes: without them it would read every job.
  const counts = prepared
    .then(() => (isReadyForOwn() ? waitForIndex(sql, 'jobsctl_live', stopping) : undefined))
    .then(() => (context.background && isReadyForOwn() ? keepCounts({ sql, log, makes, stopping }) : undefined))
    .catch(() => {})
  const history = context.background
    ? keepHistory({ sql, log, wanted: env.JOBS_HISTORY, makes, isReady: isReadyForOwn, stopping })
    : Promise.resolve()
  const depths = context.background ? keepDepths({ sql: context.operatorSql, log, isReady, stopping }) : undefined
  const ended = async () => {
    await Promise.all([maintenance, changes, dependents, policy, checks, engines])
    const left = settingsExchange.end().catch(() => {})
    // Ending the pool while it has a reserved session never finishes, even when the session is released later.
    await Promise.race([
      Promise.all([left, counts, history, depths]),
      wait(longestCountsEndMs, undefined, { ref: false }),
    ])
  }
  return { prepared, ended }
}

/** Wakes waiting calls when a notification arrives. Without notifications they find work at their next poll. */
const listenForWork = ({ listen }: OpenedDatabase, longPolls: LongPolls, connected: () => void): void =>
  listen(workChannel, {
    heard: (notice) => wakeNotified(longPolls, notice),
    // Notifications that were sent before the server listened are lost.
    listening: () => {
      longPolls.notify()
      connected()
    },
  })

const lookEveryMs = 60_000

/** Waits for an index that the operator builds. Resolves at once where it is there, and when the server stops. */
async function waitForIndex(sql: Sql, name: string, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    const [there] = await sql`select from pg_index where indexrelid = to_regclass(${name}) and indisvalid`
    if (there) return
    await wait(lookEveryMs, undefined, { signal: stopping, ref: false }).catch(() => {})
  }
}

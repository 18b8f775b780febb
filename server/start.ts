import { setMaxListeners } from 'node:events'
import { isIP } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { Failure } from '../shared/errors.ts'
import { apiKey, apiKeyAuthenticator } from './auth/api-key.ts'
import { listenForTokenCommands } from './auth/token-socket.ts'
import { tokenAuthenticator } from './auth/tokens.ts'
import { createEventLogMove } from './background/event-log-move.ts'
import { runMaintenance } from './background/maintenance.ts'
import { keepCounts } from './counts/keeper.ts'
import type { OpenedDatabase } from './database/embedded.ts'
import { openDatabase } from './database/open.ts'
import { prepare } from './database/prepare.ts'
import { createReadiness } from './database/readiness.ts'
import type { Pool } from './database/sql.ts'
import type { Env } from './env.ts'
import { createApp } from './http/app.ts'
import { close, createHttpServer, listen } from './http/http-server.ts'
import { workChannel } from './lifecycle/job-events.ts'
import type { Log } from './log.ts'
import { createEventWatermark } from './waiting/event-watermark.ts'
import { createLongPolls, type LongPolls, wakeNotified } from './waiting/long-poll.ts'
import { createSingleFlight } from './waiting/single-flight.ts'

export interface Running {
  url: string
  sql: Pool
  /** Stops accepting, lets running requests end within `JOBS_SHUTDOWN_SECONDS`, closes the database. */
  stop: () => Promise<void>
  /** Resolves when the schema is current, indexes included; rejects when it cannot be made so. */
  prepared: Promise<void>
  /** Resolves if the database is lost for good, and only another start helps. */
  lost: Promise<void>
}

/**
 * Starts the server. It listens at once and answers 503 until the database is ready, so that it
 * may start before the database does.
 * @throws Failure `usage` or `conflict` when it cannot start; nothing keeps running then
 */
export async function start(env: Env, log: Log): Promise<Running> {
  const opened = await openDatabase(env)
  return startOn(opened, env, log).catch(async (error: unknown) => {
    await opened.close()
    throw error
  })
}

async function startOn(opened: OpenedDatabase, env: Env, log: Log): Promise<Running> {
  const { sql } = opened
  let ready = false
  const stopping = new AbortController()
  // Each held call listens to it.
  setMaxListeners(0, stopping.signal)
  const longPolls = createLongPolls()
  const localOperations = new Set<number>()
  const auth =
    env.AUTH_MODE === 'multi_user'
      ? tokenAuthenticator(sql)
      : apiKeyAuthenticator(await apiKey({ configured: env.SINGLE_USER_API_KEY, folder: env.JOBS_DATA_DIR, log }))

  const answersSoon = createReadiness(sql)
  const app = createApp({
    sql,
    auth,
    log,
    longPolls,
    localOperations,
    eventWatermark: createEventWatermark(sql, log),
    singleFlight: createSingleFlight(),
    stopping: stopping.signal,
    quarantineThreshold: env.JOBS_QUARANTINE_THRESHOLD,
    leaseMaxSeconds: env.JOBS_LEASE_MAX_SECONDS,
    maxJsonBytes: env.JOBS_MAX_JSON_BYTES,
    requireCompletionToken: env.JOBS_REQUIRE_COMPLETION_TOKEN,
    maxBodyBytes: env.JOBS_MAX_BODY_BYTES,
    archiveBeforeDelete: env.JOBS_ARCHIVE_BEFORE_DELETE,
    archiveDays: env.JOBS_ARCHIVE_DAYS,
    lockTimeoutMs: env.JOBS_LOCK_TIMEOUT_SECONDS * 1000,
    callTimeoutMs: 1000 * (2 * env.JOBS_STATEMENT_TIMEOUT_SECONDS + env.JOBS_LOCK_TIMEOUT_SECONDS),
    isReady: () => ready,
    checkDatabase: async () => {
      if (!ready || !(await answersSoon())) {
        throw new Failure('database_unavailable', 'the database is not ready', { retryAfter: 2 })
      }
    },
  })
  const server = createHttpServer(app.fetch)
  const closeControl = env.JOBS_DB_URL ? async () => {} : await openControl(env.JOBS_DATA_DIR, sql, log)
  const port = await listen(server, env.HOST, env.PORT)
  const url = `http://${isIP(env.HOST) === 6 ? `[${env.HOST}]` : env.HOST}:${port}`
  if (!isLoopback(env.HOST)) {
    log.warn(`listening on ${env.HOST}, beyond this machine: put a proxy with TLS in front, since keys travel in clear`)
  }
  log.info(`listening on ${url}`, { database: env.JOBS_DB_URL ? 'postgresql' : 'embedded' })

  const eventLogMove = createEventLogMove(sql, log)
  // Before the first call: a restored database must not give out an id of an event a second time.
  const becomeReady = async () => {
    await eventLogMove.check()
    if (!ready) log.info('ready')
    ready = true
  }
  let becoming = Promise.resolve()
  const tablesReady = () => {
    becoming = becomeReady()
  }
  const prepared = prepare({
    opened,
    log,
    pooled: env.JOBS_DB_POOLER,
    tablesReady,
    isReady: () => ready,
    isStopping: () => stopping.signal.aborted,
  }).then(() => becoming)
  listenForWork(opened, longPolls, () => {
    // The connection may lead to another database now: after a failover to a standby.
    if (ready) void eventLogMove.check()
  })
  const house = runMaintenance({
    sql,
    log,
    localOperations,
    archiveDays: env.JOBS_ARCHIVE_DAYS,
    isReady: () => ready,
    eventLogMove,
    stopping: stopping.signal,
  })
  // Only then, since without its index a count would read all jobs there are.
  const counts = prepared.then(() => keepCounts({ sql, log, stopping: stopping.signal })).catch(() => {})
  const stop = async () => {
    stopping.abort()
    await close(server, env.JOBS_SHUTDOWN_SECONDS)
    await closeControl()
    await house
    // The driver, told to end, waits in vain for a session that is reserved, even after its release.
    await Promise.race([counts, wait(5000, undefined, { ref: false })])
    await opened.close()
  }
  return { url, sql, stop, prepared, lost: opened.lost }
}

/** Without notices a held call finds work when it looks by itself: later, and no less surely. */
const listenForWork = ({ listen }: OpenedDatabase, waiting: LongPolls, connected: () => void): void =>
  listen(workChannel, {
    heard: (notice) => wakeNotified(waiting, notice),
    // What was said while nobody listened is lost.
    listening: () => {
      waiting.notify()
      connected()
    },
  })

/** A folder whose name is too long for a socket costs the token commands, not the server. */
const openControl = (folder: string, sql: Pool, log: Log): Promise<() => Promise<void>> =>
  listenForTokenCommands(folder, sql).catch((error: unknown) => {
    log.warn(
      `jobs-server token cannot reach this server while it runs: ${error instanceof Error ? error.message : error}`,
    )
    return async () => {}
  })

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.')

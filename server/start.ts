import { setMaxListeners } from 'node:events'
import type { Server } from 'node:http'
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { apiKeyAuthenticator } from './auth/api-key.ts'
import { createAttemptLimit } from './auth/attempt-limit.ts'
import type { Authenticator } from './auth/authenticate.ts'
import { addressReader } from './auth/client-address.ts'
import { type KeyRing, openKeyRing } from './auth/key-ring.ts'
import type { BrowserSignOn } from './auth/oidc/browser-sign-on.ts'
import { oidcSettings } from './auth/oidc/oidc-settings.ts'
import { refuseShort } from './auth/secrets.ts'
import { tokenAuthenticator } from './auth/token-authenticator.ts'
import { createEventLogMove } from './background/event-log-move.ts'
import { createInstallationMemory } from './background/installation-memory.ts'
import { startBackground } from './background/start-background.ts'
import { watchReadiness } from './background/watch-readiness.ts'
import type { ServerContext } from './call.ts'
import { listenForCommands } from './commands/command-socket.ts'
import { migrateWith } from './commands/migrate.ts'
import { createContext } from './context.ts'
import { openDatabase } from './database/connection/open.ts'
import type { OpenedDatabase } from './database/connection/opened-database.ts'
import { databaseAddressOf } from './database/installation/installation.ts'
import { warnOfStrangers } from './database/locks/lock-holders.ts'
import type { Pool } from './database/sql.ts'
import { findServed } from './engines/find-served.ts'
import { engineConnections } from './engines/prepare-engine.ts'
import { servedBy } from './engines/served.ts'
import { type Env, hasMetrics, isLocal, urlOf } from './env/env.ts'
import { beginHistory } from './history/keeper.ts'
import { createApp } from './http/app.ts'
import { createSite } from './http/browser/site.ts'
import { close, createHttpServer, listen } from './http/connection/http-server.ts'
import type { Log } from './log/log.ts'
import { errorText } from './log/system-error.ts'
import type { Meter } from './meter.ts'
import { openFleet } from './waiting/fleet-counts.ts'

/** A server that listens. */
export interface Running {
  url: string
  sql: Pool
  /**
   * Makes `/readyz` 503 and goes on serving for `JOBS_DRAIN_SECONDS`. Then stops accepting calls, lets running calls end within
   * `JOBS_SHUTDOWN_SECONDS`, and closes the database.
   * @returns false when a thread of the database cannot be ended, so that `process.exit` would wait for it
   */
  stop: () => Promise<boolean>
  /**
   * Takes the secrets of an environment that was read again: the keys, the token for metrics, the password of the database for new
   * connections, and the secret of the client of single sign-on.
   * @throws Failure `usage` for a key that the server does not take, and Error for a file of no use; the secrets stay as they are then
   */
  reload: (env: Env) => Promise<void>
  /** Ends the threads of the database at once, and does not wait for calls. Returns what `stop` returns. */
  abandon: () => Promise<boolean>
  /** Resolves when the schema is current, indexes included; rejects when it cannot be made so. */
  prepared: Promise<void>
  /** Resolves with a clause that says why, when the database cannot be used any more and only a restart of the server helps. */
  lost: Promise<string>
}

/** The part of JOBS_SHUTDOWN_SECONDS that running calls get; the database is closed in the rest of the time. */
const shareOfCalls = 0.9
const shortestCloseMs = 1000
const pause = (ms: number) => wait(ms, undefined, { ref: false })

/**
 * Starts the server. It listens at once and answers 503 until the database is ready, so that it
 * may start before the database does.
 * @throws Failure `usage` or `conflict` when it cannot start; nothing keeps running then
 */
export async function start(env: Env, log: Log): Promise<Running> {
  const meter = hasMetrics(env) ? (await import('./metrics/process-meter.ts')).createMeter() : undefined
  const opened = await openDatabase(env, log, { meter: meter?.pool, find: findServed, serves: true })
  return startOn({ opened, env, log, meter }).catch(async (error: unknown) => {
    await opened.close(shortestCloseMs)
    throw error
  })
}

interface Starting {
  opened: OpenedDatabase
  env: Env
  log: Log
  meter: Meter | undefined
}

async function startOn({ opened, env, log, meter }: Starting): Promise<Running> {
  warnOfStrangers(log)
  const { sql, operatorSql } = opened
  const draining = new AbortController()
  const stopping = new AbortController()
  setMaxListeners(0, stopping.signal) // each waiting call listens to it
  const eventLogMove = createEventLogMove(opened, log)
  const databaseAddress = await databaseAddressOf(env)
  const { JOBS_FLEET_FILE: file } = env
  const fleet = file === undefined ? undefined : await openFleet({ file, log, stopping: stopping.signal })
  const history = { sql, log, wanted: env.JOBS_HISTORY, makes: env.JOBS_MIGRATE !== false }
  const beginCounting = async () =>
    env.JOBS_BACKGROUND && servedBy(sql).mode === 'own' ? beginHistory(history) : undefined
  const rememberInstallation = createInstallationMemory(sql, log, databaseAddress)
  const readiness = watchReadiness({
    sql,
    log,
    eventLogMove,
    rememberInstallation,
    beginCounting,
  })
  const context = createContext({
    ...{ sql, operatorSql, env, log, meter, databaseAddress, stopping: stopping.signal },
    isStandby: readiness.isStandby,
    replica: opened.replica,
    fleet,
    engineSql: engineConnections(opened),
    admitChange: async () => {},
  })
  const { auth, browser: signOn, keys } = await createAuthenticator(env, sql, log)
  const readAddress = addressReader(env.JOBS_TRUSTED_PROXIES)
  const tokenOf = (env: Env) => {
    refuseShort('JOBS_METRICS_TOKEN', env, log)
    return env.JOBS_METRICS_TOKEN
  }
  let token = tokenOf(env)
  const metricsToken = () => token
  const site = createSite(env.JOBS_PUBLIC_URL)
  const server = createHttpServer(
    createApp({
      ...context,
      ...readiness,
      draining: draining.signal,
      auth,
      readAddress,
      metricsToken,
      site,
      signOn,
      ui: env.JOBS_UI,
      isOpenToOthers: env.AUTH_MODE === 'single_user' && !isLocal(env),
    }).fetch,
  )
  const url = await listenOn(server, env, log)
  const background = startBackground({
    opened,
    env,
    context,
    readiness,
    eventLogMove,
    rememberInstallation,
    address: addressFrom(env, url),
    makeRecords: env.JOBS_MIGRATE ? () => migrateWith(env, { makes: true }) : undefined,
  })
  const commands = { ...context, prepared: background.prepared }
  const closeCommandSocket = env.JOBS_DB_URL ? async () => {} : await openCommandSocket(env.JOBS_DATA_DIR, commands)
  const reload = async (changed: Env) => {
    const changedToken = tokenOf(changed)
    await keys?.reload(changed)
    await signOn?.readSecretAgain()
    if (changed.JOBS_DB_URL && opened.takePassword?.(changed.JOBS_DB_URL) === false)
      log.warn('JOBS_DB_URL differs in more than its password: start the server again, for the rest of it')
    if (changed.JOBS_DB_READ_URL && opened.replica?.takePassword(changed.JOBS_DB_READ_URL) === false)
      log.warn('JOBS_DB_READ_URL differs in more than its password: start the server again, for the rest of it')
    token = changedToken
    // Last, and alone: a fault in it keeps no secret from being read again.
    await fleet
      ?.readAgain()
      .catch((error: unknown) => log.error(`SIGHUP: the servers stay as they were: ${errorText(error)}`))
  }
  const stop = async () => {
    draining.abort()
    // Until the tables are there the server serves nothing but 503.
    if (readiness.isReady()) await pause(env.JOBS_DRAIN_SECONDS * 1000)
    const limitMs = env.JOBS_SHUTDOWN_SECONDS * 1000
    const end = performance.now() + limitMs
    const remainingMs = () => Math.max(shortestCloseMs, end - performance.now())
    stopping.abort()
    await close(server, limitMs * shareOfCalls)
    await Promise.race([Promise.all([closeCommandSocket(), background.ended()]), pause(remainingMs() / 2)])
    return opened.close(remainingMs())
  }
  return { url, sql, stop, reload, abandon: opened.abandon, prepared: background.prepared, lost: opened.lost }
}

async function createAuthenticator(
  env: Env,
  sql: Pool,
  log: Log,
): Promise<{ auth: Authenticator; browser?: BrowserSignOn | undefined; keys?: KeyRing }> {
  const limit = createAttemptLimit(log)
  const oidc = oidcSettings(env)
  if (oidc) {
    const { createSignOn } = await import('./auth/oidc/sign-on.ts')
    return createSignOn({ sql, log, limit, tokens: tokenAuthenticator(sql, limit), settings: oidc })
  }
  if (env.AUTH_MODE === 'multi_user') return { auth: tokenAuthenticator(sql, limit) }
  const keys = await openKeyRing(env, log)
  return { auth: apiKeyAuthenticator(keys.hashes, limit), keys }
}

/** Listens on the address of the environment, and resolves to its URL. */
async function listenOn(server: Server, env: Env, log: Log): Promise<string> {
  const port = await listen(server, env.HOST, env.PORT)
  const url = urlOf(env.HOST, port)
  if (!isLocal(env)) {
    log.warn(
      `listening on ${env.HOST}, beyond this machine: put a proxy with TLS in front, since keys are sent unencrypted`,
    )
  }
  log.info(`listening on ${url}`, { database: env.JOBS_DB_URL ? 'postgresql' : 'embedded' })
  if (env.JOBS_UI !== 'off') log.info(`the dashboard is at ${dashboardUrl(env, url)}`)
  return url
}

/** The URL by which others find this server, as well as it knows. */
function addressFrom({ JOBS_PUBLIC_URL }: Env, url: string): string {
  const listening = new URL(url)
  if (['0.0.0.0', '[::]'].includes(listening.hostname)) listening.hostname = hostname()
  return JOBS_PUBLIC_URL ?? listening.origin
}

/** Where a browser finds the dashboard; without a public URL it is there for browsers on this machine alone. */
const dashboardUrl = ({ JOBS_PUBLIC_URL }: Env, url: string): string =>
  `${JOBS_PUBLIC_URL?.replace(/\/+$/, '') ?? `http://localhost:${new URL(url).port}`}/ui/`

/** The socket of commands. A folder whose path is too long for a socket only costs these commands. */
const openCommandSocket = (
  folder: string,
  commands: ServerContext & { prepared: Promise<void> },
): Promise<() => Promise<void>> =>
  listenForCommands(folder, commands).catch((error: unknown) => {
    commands.log.warn(`commands such as jobs-server token cannot reach this server while it runs: ${errorText(error)}`)
    return async () => {}
  })

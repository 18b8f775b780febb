import { setMaxListeners } from 'node:events'
import { isIP } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { Failure } from '../../shared/errors.ts'
import type { OnceOrder, OnceReached } from '../../shared/once.ts'
import { addressReader } from '../auth/client-address.ts'
import { createContext } from '../context.ts'
import { openDatabase } from '../database/connection/open.ts'
import type { OpenedDatabase } from '../database/connection/opened-database.ts'
import { createWrites, type Writes } from '../database/connection/read-only.ts'
import { orWithoutRight } from '../database/errors/failure.ts'
import { readInstallation } from '../database/installation/installation.ts'
import { noTables, schemaFault } from '../database/migrate/require-schema.ts'
import type { Pool } from '../database/sql.ts'
import { findServed } from '../engines/find-served.ts'
import { engineConnections, prepareEngine } from '../engines/prepare-engine.ts'
import { createReadiness } from '../engines/readiness.ts'
import { servedBy } from '../engines/served.ts'
import type { Env } from '../env/env.ts'
import { createApp } from '../http/app.ts'
import { createSite } from '../http/browser/site.ts'
import { close, createHttpServer, listen } from '../http/connection/http-server.ts'
import type { Log } from '../log/log.ts'
import { createBeginChange } from './begin-change.ts'
import { directAuthenticator, directCaller } from './direct-caller.ts'
import { lackingRecords, makeRecordsFor } from './first-records.ts'
import { listenOnSocket } from './listen-once.ts'
import { onceFailure } from './once-failure.ts'
import { createOneTimeLogin } from './one-time-login.ts'
import { envOfOrder } from './order-env.ts'

/** A server of one process. */
interface Once {
  reached: OnceReached
  /** Ends running calls after their batch, and closes the database. */
  stop: () => Promise<void>
}

const shortestCloseMs = 1000

/**
 * Starts a server for the process that ordered it. It makes no tables, and does nothing in the background; its transactions are read only
 * until a change begins.
 * @throws Failure why it cannot, in words for the person who gave the connection string
 */
export async function startOnce(order: OnceOrder, environment: NodeJS.ProcessEnv, log: Log): Promise<Once> {
  const env = envOfOrder(order, environment)
  if (order.makes_records !== null) await makeRecordsFor(order.makes_records, env)
  const writes = createWrites()
  const opened = await openDatabase(env, log, { writes, find: findServed })
  try {
    return await serve({ order, env, log, opened, writes })
  } catch (error) {
    await opened.close(shortestCloseMs)
    throw onceFailure(error)
  }
}

interface Serving {
  order: OnceOrder
  env: Env
  log: Log
  opened: OpenedDatabase
  writes: Writes
}

async function serve({ order, env, log, opened, writes }: Serving): Promise<Once> {
  const { sql, operatorSql } = opened
  // On connections of its own, since those that calls use have the settings for the engine from their beginning.
  const { user, role, database } = await opened.withDedicatedPool(async (own) => {
    const connected = await readConnectedAs(own)
    await opened.findSchema(own)
    const isPrepared = await prepareEngine({ opened, env: { AUTH_MODE: 'single_user' }, log }, own)
    if (!isPrepared) await requireTables(own, connected.database)
    return connected
  })
  const stopping = new AbortController()
  setMaxListeners(0, stopping.signal)
  // A role that works without a server is of the same installation as the servers, however they are named.
  const instance = env.JOBS_INSTANCE ?? (await orWithoutRight(readInstallation(sql), undefined))?.instance ?? null
  const databaseAddress = { instance, folder: null }
  const localOperations = new Set<number>()
  const beginChange = createBeginChange({
    ...{ opened, writes, log, databaseAddress, localOperations },
    archiveDays: env.JOBS_ARCHIVE_DAYS,
  })
  // Where there are no records, each change is refused where it would begin, and no transaction may write before that.
  const admitChange = servedBy(sql).mode === 'look' ? async () => {} : beginChange
  const context = {
    ...createContext({
      ...{ sql, operatorSql, env, log, databaseAddress, stopping: stopping.signal, admitChange },
      engineSql: engineConnections(opened),
      meter: undefined,
    }),
    localOperations,
  }
  const isAnswering = createReadiness(sql)
  const caller = directCaller(role)
  const login = order.dashboard ? createOneTimeLogin(order.profile) : undefined
  const app = createApp({
    ...context,
    isReady: () => true,
    checkDatabase: async () => {
      if (!(await isAnswering())) throw new Failure('database_unavailable', 'the database does not answer')
    },
    draining: stopping.signal,
    auth: directAuthenticator(caller, order.key, login?.sessions ?? new Map()),
    readAddress: addressReader(''),
    metricsToken: () => undefined,
    site: createSite(undefined),
    signOn: undefined,
    ui: env.JOBS_UI,
    // An agent goes through a server.
    isOpenToOthers: true,
    login,
  })
  const lacks = await lackingRecords(sql)
  const server = createHttpServer(app.fetch)
  const port = login && (await listen(server, '127.0.0.1', 0))
  const socket = login ? undefined : await listenOnSocket(server)
  const host = opened.hosts.map(({ name }) => name).join(',')
  const [encodedUser, encodedHosts, encodedDatabase] = [
    encodeURIComponent(user),
    opened.hosts
      .map(({ name, port }) => `${isIP(name) === 6 ? `[${name}]` : encodeURIComponent(name)}:${port}`)
      .join(','),
    encodeURIComponent(database),
  ]
  return {
    reached: {
      at: `${user}@${host}/${database}`,
      url: `postgres://${encodedUser}@${encodedHosts}/${encodedDatabase}`,
      role,
      socket: socket?.path ?? null,
      login: login && port !== undefined ? login.urlOn(port) : null,
      lacks: lacks ?? null,
    },
    stop: async () => {
      const limitMs = env.JOBS_SHUTDOWN_SECONDS * 1000
      stopping.abort()
      await close(server, limitMs)
      await Promise.race([Promise.all(context.detachedRuns), wait(limitMs, undefined, { ref: false })])
      await opened.close(shortestCloseMs)
      socket?.remove()
    },
  }
}

interface ConnectedAs {
  /** Who has logged in. */
  user: string
  /** Whose rights hold. */
  role: string
  database: string
}

async function readConnectedAs(sql: Pool): Promise<ConnectedAs> {
  const [connected] = await sql<[ConnectedAs]>`
    select session_user::text as "user", current_user::text as role, current_database()::text as database`
  return connected
}

/** @throws Failure `usage` for a database without our tables, or with those of an older version; nothing is made */
async function requireTables(sql: Pool, database: string): Promise<void> {
  const fault = await schemaFault(sql)
  if (fault === undefined) return
  const looks = fault === noTables ? ', and no jobs of an engine that this role may see' : ''
  throw new Failure('usage', `the database ${database} ${fault}${looks}; a command without a server makes nothing`, {
    hint:
      fault === noTables
        ? 'is it the right database? A table that somebody made: jobs-server init --detect. A queue of its own: jobs-server migrate'
        : 'jobs-server migrate, as the owner of the tables; jobs-server migrate --dry-run prints the SQL',
  })
}

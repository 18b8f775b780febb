import { setTimeout as wait } from 'node:timers/promises'
import { ConninfoError } from '../../../shared/conninfo.ts'
import { Failure } from '../../../shared/errors.ts'
import { readTarget, type Target } from '../../env/conninfo-target.ts'
import type { Env } from '../../env/env.ts'
import type { Log } from '../../log/log.ts'
import { openEmbedded } from '../embedded/embedded.ts'
import type { Pool, Sql } from '../sql.ts'
import { connectPostgres } from './connect.ts'
import { findNames } from './find-names.ts'
import type { Listener, OpenedDatabase, OpenedReplica } from './opened-database.ts'
import { createOpening, type Opening } from './opening.ts'
import { createPassword } from './password.ts'
import type { PoolMeter } from './pool-meter.ts'
import type { Names } from './qualify.ts'
import { readingUntil, type Writes } from './read-only.ts'
import { refuseDistributed, refuseSpreading } from './refuse-distributed.ts'
import { type SchemaNames, withSchemaNames } from './schema-names.ts'

/** What a caller of `openDatabase` may bring along. */
interface Opened {
  /** Is told how the connections are used, where metrics are on. */
  meter?: PoolMeter | undefined
  /** Finds out whose jobs the database has, and how statements name things; by default our own jobs. */
  find?: (sql: Sql, env: Env) => Promise<Names>
  /** Set where transactions are read only until somebody begins to write; a pooler keeps no session from writing. */
  writes?: Writes
  /** True for a process that serves calls, and uses all its connections at a time. */
  serves?: boolean
}

/**
 * Opens the database that the environment names: a PostgreSQL server, or the embedded one. A PostgreSQL server need not
 * be up yet, because the pool connects when the first statement is sent.
 * @throws Failure `usage`, `conflict` or `database_unavailable` when it cannot be opened
 */
export async function openDatabase(
  env: Env,
  log: Log,
  { meter, find = findNames, writes, serves = false }: Opened = {},
): Promise<OpenedDatabase> {
  if (!env.JOBS_DB_URL) {
    const { JOBS_DATA_DIR: folder, JOBS_EMBEDDED_FSYNC: fsync, JOBS_STATEMENT_TIMEOUT_SECONDS: seconds } = env
    return openEmbedded({ folder, fsync, silenceMs: 2000 * seconds, log, meter })
  }
  const url = env.JOBS_DB_URL
  const names: SchemaNames = {}
  const opening = createOpening(log)
  const target = targetOf('JOBS_DB_URL', url)
  const password = createPassword(url, target.password)
  const connect = (
    pool: number,
    { meter, opened = opening }: { meter?: PoolMeter | undefined; opened?: Opening } = {},
  ) => {
    const make = (isReadOnly: boolean) =>
      createPool(env, { target, password: password.current, pool, opening: opened, meter, isReadOnly })
    const writing = make(false)
    const isGuarded = writes && !env.JOBS_DB_POOLER
    return withSchemaNames(isGuarded ? readingUntil(writes, { reading: make(true), writing }) : writing, names)
  }
  const sql = connect(env.JOBS_DB_POOL, { meter })
  const operatorSql = connect(env.JOBS_DB_OPERATOR_POOL, { meter })
  const replica = openReplica(env, names, meter)
  const atPrimary = replica && connect(1)
  let own: Pool | undefined
  let ofEngines: Pool | undefined
  return {
    hosts: target.hosts,
    sql,
    operatorSql,
    ...(replica && atPrimary && { replica: { ...replica, look: { primary: atPrimary, replica: replica.look } } }),
    findSchema: async (from) => {
      if (!names.known) {
        await refuseDistributed(from)
        // A run that only looks begins with one connection, and changes nothing.
        if (!writes) await (serves ? refuseSpreading([from, sql]) : refuseSpreading([from], sql))
        names.known = await find(from, env)
      }
      return names.known.schema
    },
    withDedicatedPool: async (work) => {
      own = connect(dedicatedConnections)
      return work(own).finally(() => own?.end({ timeout: 0 }))
    },
    ...(!env.JOBS_DB_POOLER && {
      openWith: opening.set,
      engineSql: (statement: string) => {
        ofEngines ??= connect(env.JOBS_DB_OPERATOR_POOL, {
          meter,
          opened: { ...opening, statement: () => [statement, opening.statement()].filter(Boolean).join('; ') },
        })
        return ofEngines
      },
    }),
    takePassword: password.take,
    // A pooler in transaction mode passes no notification on.
    listen: (channel, listener) => void (env.JOBS_DB_POOLER || keepListening(sql, channel, listener)),
    close: async (graceMs) => {
      const timeout = Math.min(5, graceMs / 1000)
      const ofReplica = [replica?.sql, replica?.look, atPrimary]
      await Promise.all([sql, operatorSql, ...ofReplica, own, ofEngines].map((pool) => pool?.end({ timeout })))
      return true
    },
    abandon: async () => true,
    // A PostgreSQL server may come back at any time, so it is never lost.
    lost: new Promise(() => {}),
  }
}

/** The connections to the replica. They name things as those to the primary, and write nothing. */
function openReplica(
  env: Env,
  names: SchemaNames,
  meter: PoolMeter | undefined,
): (Omit<OpenedReplica, 'look'> & { look: Pool }) | undefined {
  const url = env.JOBS_DB_READ_URL
  if (url === undefined) return undefined
  const target = targetOf('JOBS_DB_READ_URL', url)
  if (target.hosts.length > 1)
    throw new Failure('usage', 'JOBS_DB_READ_URL names several hosts; nothing was started', {
      hint: 'name one replica: two of them are never at the same place of the log',
    })
  const password = createPassword(url, target.password)
  const opening: Opening = { statement: () => undefined, refuses: () => false, heard: () => {} }
  const options = { password: password.current, opening, isReadOnly: true }
  const connect = (pool: number, meter?: PoolMeter) =>
    withSchemaNames(
      createPool(env, { ...options, pool, meter, target: { ...target, sessionAttributes: undefined } }),
      names,
    )
  return { sql: connect(env.JOBS_DB_OPERATOR_POOL, meter), look: connect(1), takePassword: password.take }
}

const listenAgainAfterMs = 2000

/** Listens on a connection of its own. The driver renews that connection, but only after it has been open once. */
async function keepListening(sql: Pool, channel: string, { heard, listening }: Listener): Promise<void> {
  for (;;) {
    try {
      await sql.listen(channel, heard, listening)
      return
    } catch {
      await wait(listenAgainAfterMs, undefined, { ref: false })
    }
  }
}

/** A migration needs one connection that works and one that holds the lock meanwhile. */
const dedicatedConnections = 2

interface PoolOptions {
  target: Target
  password: (() => string) | undefined
  pool: number
  opening: Opening
  meter: PoolMeter | undefined
  isReadOnly: boolean
}

const createPool = (env: Env, options: PoolOptions): Pool =>
  connectPostgres({
    ...options,
    statementTimeoutMs: env.JOBS_STATEMENT_TIMEOUT_SECONDS * 1000,
    lockTimeoutMs: env.JOBS_LOCK_TIMEOUT_SECONDS * 1000,
    pooled: env.JOBS_DB_POOLER,
  })

/** @throws Failure `usage` for a variable of libpq, such as PGSSLMODE, that goes together with the URL and has an error */
function targetOf(variable: 'JOBS_DB_URL' | 'JOBS_DB_READ_URL', url: string): Target {
  try {
    return readTarget(url, process.env)
  } catch (error) {
    if (!(error instanceof ConninfoError)) throw error
    // No cause: it might have a part of the URL, and with it the password.
    throw new Failure('usage', `${variable}, with the variables PG… of libpq, ${error.message}; nothing was started`, {
      hint: 'postgres://user:password@host:5432/database, special characters percent-encoded',
    })
  }
}

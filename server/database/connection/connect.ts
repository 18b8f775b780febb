import type { Duplex } from 'node:stream'
import postgres from 'postgres'
import type { Target } from '../../env/conninfo-target.ts'
import { readJson, writeJson } from '../lossless-json.ts'
import type { Pool } from '../sql.ts'
import { dial } from './dial.ts'
import type { Opening } from './opening.ts'
import type { PoolMeter } from './pool-meter.ts'
import { adminSetting, withPooledTransactions } from './pooled-transactions.ts'
import { readOnlySetting } from './read-only.ts'

const types = {
  bigint: { to: 20, from: [20], serialize: String, parse: Number },
  json: { to: 3802, from: [114, 3802], serialize: writeJson, parse: readJson },
  // ISO 8601 in UTC as text, because a Date would lose the microseconds.
  timestamptz: { to: 1184, from: [1184], serialize: String, parse: isoOf },
  // Columns of other programs. A time without a zone is a time in UTC, as it is for PostgreSQL in our sessions.
  timestamp: { to: 1114, from: [1114], serialize: String, parse: (text: string) => isoOf(`${text}+00`) },
  date: { to: 1082, from: [1082], serialize: String, parse: String },
}

/** `2026-01-31 12:00:00.123456+00` as `2026-01-31T12:00:00.123456Z`. Other values, such as `infinity`, stay as they are. */
function isoOf(text: string): string {
  // Fast path without a regular expression: a job has six times, and nearly all have this form.
  if (text[10] === ' ' && text.endsWith('+00')) return `${text.slice(0, 10)}T${text.slice(11, -3)}Z`
  return text.replace(/^(\S+) (\S+)\+00$/, '$1T$2Z')
}

/** Driver options for PostgreSQL and for the embedded database. */
const common = { types, onnotice: () => {}, connect_timeout: 5, backoff: () => 0.2 }

/**
 * Settings of the planner. Statements are prepared: they may be planned while a queue is empty and run when it is full. A
 * plan with a sequential scan of a small table would stay for minutes after the table has grown, and every statement has
 * an index. One plan serves all parameters, since planning takes longer than running. Parallel workers and JIT are off,
 * since starting them takes longer than the statements.
 */
const planning = {
  enable_seqscan: 'off',
  jit: 'off',
  plan_cache_mode: 'force_generic_plan',
  max_parallel_workers_per_gather: '0',
}

/** Text formats of values, whatever the defaults of the database or role are. A pooler accepts these settings. */
const textFormats = { TimeZone: 'UTC', DateStyle: 'ISO', standard_conforming_strings: 'on' }

/** Settings of a session: what values and names look like as a text, how texts are read, and the isolation in which a statement sees earlier commits. */
const session = {
  ...textFormats,
  IntervalStyle: 'postgres',
  extra_float_digits: '1',
  bytea_output: 'hex',
  quote_all_identifiers: 'off',
  transform_null_equals: 'off',
  array_nulls: 'on',
  xmloption: 'content',
  default_transaction_isolation: 'read committed',
} as const

interface Limits {
  target: Target
  /** Asked at each new connection; undefined where the URL has no password. */
  password: (() => string) | undefined
  pool: number
  statementTimeoutMs: number
  lockTimeoutMs: number
  /** A pooler in transaction mode is in between and accepts no settings of a session. */
  pooled: boolean
  opening: Opening
  /** Undefined while metrics are off. */
  meter: PoolMeter | undefined
  /** True for connections whose transactions only read. */
  isReadOnly: boolean
}

/** A connection pool on a PostgreSQL server; statements and lock waits have their timeouts, in milliseconds. */
export function connectPostgres({
  target,
  password,
  pool,
  statementTimeoutMs,
  lockTimeoutMs,
  pooled,
  opening,
  meter,
  isReadOnly,
}: Limits): Pool {
  const limits = {
    statement_timeout: statementTimeoutMs,
    lock_timeout: lockTimeoutMs,
    idle_in_transaction_session_timeout: statementTimeoutMs,
  }
  const options = {
    ...common,
    max: pool,
    // The dialler knows the hosts. What is not given comes from PGUSER, PGPASSWORD and PGDATABASE, as the driver reads them.
    host: target.hosts[0]?.name,
    port: target.hosts[0]?.port,
    ...(target.user !== undefined && { user: target.user }),
    ...(password && { password }),
    ...(target.database !== undefined && { database: target.database }),
    ssl: false,
    connect_timeout: target.connectTimeout,
    keep_alive: target.keepAlive,
    ...(target.sessionAttributes !== undefined && { target_session_attrs: target.sessionAttributes }),
    onnotice: opening.heard,
    // Options of the patched driver (`scripts/build/driver/`).
    opening,
    meter,
    dial: (tried: number) => dial(target, tried),
    hosts: target.hosts.length,
    // After 30 minutes a connection is replaced, so that the pool notices a failover behind one host name.
    max_lifetime: 30 * 60,
    connection: {
      application_name: 'jobs-server',
      ...(pooled ? textFormats : { ...session, ...planning, ...limits, ...adminSetting }),
      // A replica behind a pooler takes no writes, whatever a session says.
      ...(isReadOnly && !pooled && readOnlySetting),
      ...target.startup,
    },
  }
  const connected = postgres(options)
  return pooled ? withPooledTransactions(connected) : connected
}

interface Embedded {
  socket: () => Promise<Duplex>
  onnotify: (channel: string, notice: string) => void
  meter: PoolMeter | undefined
}

/**
 * A pool on the embedded database. The database has one session, so the pool has one connection, and transactions wait
 * for each other.
 */
export function connectEmbedded({ socket, onnotify, meter }: Embedded): Pool {
  const options = {
    ...common,
    max: 1,
    max_lifetime: null,
    // No limit: there is one session, and after a timeout the answers to the first connection would reach the second.
    connect_timeout: 0,
    user: 'postgres',
    database: 'postgres',
    connection: { application_name: 'jobs-server', ...session, ...planning },
    // The driver takes these options, but its types lack them.
    socket,
    onnotify,
    meter,
  }
  return postgres(options)
}

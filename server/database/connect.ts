import type { Duplex } from 'node:stream'
import postgres from 'postgres'
import { readJson, writeJson } from './lossless-json.ts'
import type { Pool } from './sql.ts'

const types = {
  bigint: { to: 20, from: [20], serialize: String, parse: Number },
  json: { to: 3802, from: [114, 3802], serialize: writeJson, parse: readJson },
  // As the wire has them, ISO 8601 in UTC: a Date would lose the microseconds.
  timestamptz: { to: 1184, from: [1184], serialize: String, parse: isoOf },
}

/** `2026-01-31 12:00:00.123456+00` as `2026-01-31T12:00:00.123456Z`; what is no such time, such as infinity, stays. */
function isoOf(text: string): string {
  // Most of them, of which there are six in a job.
  if (text[10] === ' ' && text.endsWith('+00')) return `${text.slice(0, 10)}T${text.slice(11, -3)}Z`
  return text.replace(/^(\S+) (\S+)\+00$/, '$1T$2Z')
}

/** What both databases have in common. Times are told in UTC, whatever the server's zone is. */
const common = { types, onnotice: () => {}, connect_timeout: 5, backoff: () => 0.2 }

/**
 * Statements are prepared, and so planned when a queue may be empty and run when it is not: a plan that reads
 * a small table as a whole would do so for minutes after it has grown. All that is asked has its index. One plan for all
 * parameters, since to plan takes longer than to run; and one process, which starts at once and leaves the others' cores alone.
 */
const planning = {
  enable_seqscan: 'off',
  jit: 'off',
  plan_cache_mode: 'force_generic_plan',
  max_parallel_workers_per_gather: '0',
}

/** How values are written and read, whatever the database or the role has for a default; poolers know these. */
const spoken = { TimeZone: 'UTC', DateStyle: 'ISO', standard_conforming_strings: 'on' }

/** The same where there is a session: floats in full, and each statement sees what was committed before it. */
const session = {
  ...spoken,
  IntervalStyle: 'postgres',
  extra_float_digits: '1',
  bytea_output: 'hex',
  default_transaction_isolation: 'read committed',
} as const

interface Limits {
  url: string
  pool: number
  statementTimeoutMs: number
  lockTimeoutMs: number
  /** A pooler in transaction mode stands in between, and knows no settings of a session. */
  pooled: boolean
}

/** A pool on a PostgreSQL server. No call hangs: statements and locks have their limits. */
export function connectPostgres({ url, pool, statementTimeoutMs, lockTimeoutMs, pooled }: Limits): Pool {
  const limits = {
    statement_timeout: statementTimeoutMs,
    lock_timeout: lockTimeoutMs,
    idle_in_transaction_session_timeout: statementTimeoutMs,
  }
  return postgres(url, {
    ...common,
    max: pool,
    // A connection is renewed now and then, so that a failover behind one name is noticed.
    max_lifetime: 30 * 60,
    connection: {
      application_name: 'jobs-server',
      ...(pooled ? spoken : { ...session, ...planning, ...limits }),
    },
  })
}

/**
 * The embedded database through the same client. It has one session, so there is one
 * connection: transactions wait for each other instead of mixing.
 */
export function connectEmbedded(socket: () => Duplex, onnotify: (channel: string, notice: string) => void): Pool {
  const options = {
    ...common,
    max: 1,
    max_lifetime: null,
    // No limit: there is one session, and after a timeout the answers to the first connection would reach the second.
    connect_timeout: 0,
    user: 'postgres',
    database: 'postgres',
    connection: { application_name: 'jobs-server', ...session, ...planning },
    // Known to postgres.js, not to its types.
    socket,
    onnotify,
  }
  return postgres(options)
}

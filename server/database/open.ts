import { setTimeout as wait } from 'node:timers/promises'
import { Failure } from '../../shared/errors.ts'
import type { Env } from '../env.ts'
import { connectPostgres } from './connect.ts'
import { type Listener, type OpenedDatabase, openEmbedded } from './embedded.ts'
import { findNames } from './find-names.ts'
import { type SchemaNames, withSchemaNames } from './schema-names.ts'
import type { Pool } from './sql.ts'

/**
 * The database that the environment names: a PostgreSQL server, or the embedded one.
 * @throws Failure `usage` or `conflict` when it cannot be opened
 */
export async function openDatabase(env: Env): Promise<OpenedDatabase> {
  if (!env.JOBS_DB_URL) return openEmbedded({ folder: env.JOBS_DATA_DIR, fsync: env.JOBS_EMBEDDED_FSYNC })
  const url = env.JOBS_DB_URL
  const names: SchemaNames = {}
  const connect = (pool: number) => withSchemaNames(postgresOf(env, url, pool), names)
  const sql = connect(env.JOBS_DB_POOL)
  let own: Pool | undefined
  // A PostgreSQL server comes back; the pool waits for it.
  return {
    sql,
    findSchema: async (from) => {
      names.known ??= await findNames(from, env.JOBS_DB_SCHEMA)
      return names.known.schema
    },
    withDedicatedPool: async (work) => {
      own = connect(apart)
      return work(own).finally(() => own?.end({ timeout: 0 }))
    },
    // Behind a pooler nobody is told anything.
    listen: (channel, listener) => void (env.JOBS_DB_POOLER || keepListening(sql, channel, listener)),
    close: async () => void (await Promise.all([sql, own].map((pool) => pool?.end({ timeout: 5 })))),
    lost: new Promise(() => {}),
  }
}

const pause = 2000

/** On a connection of its own, which the driver renews once it has been there. */
async function keepListening(sql: Pool, channel: string, { heard, listening }: Listener): Promise<void> {
  for (;;) {
    try {
      await sql.listen(channel, heard, listening)
      return
    } catch {
      await wait(pause, undefined, { ref: false })
    }
  }
}

/** One that works, and one that holds the lock meanwhile. */
const apart = 2

function postgresOf(env: Env, url: string, pool: number) {
  try {
    return connectPostgres({
      url,
      pool,
      statementTimeoutMs: env.JOBS_STATEMENT_TIMEOUT_SECONDS * 1000,
      lockTimeoutMs: env.JOBS_LOCK_TIMEOUT_SECONDS * 1000,
      pooled: env.JOBS_DB_POOLER,
    })
  } catch {
    // The driver's own message would repeat the URL, and with it the password.
    throw new Failure('usage', 'JOBS_DB_URL is not a PostgreSQL URL; nothing was started', {
      hint: 'postgres://user:password@host:5432/database, special characters percent-encoded',
    })
  }
}

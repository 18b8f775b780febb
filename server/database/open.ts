import { Failure } from '../../shared/errors.ts'
import type { Env } from '../env.ts'
import { connectPostgres } from './connect.ts'
import { type Opened, openEmbedded } from './embedded.ts'

/**
 * The database that the environment names: a PostgreSQL server, or the embedded one.
 * @throws Failure `usage` or `conflict` when it cannot be opened
 */
export async function openDatabase(env: Env): Promise<Opened> {
  if (!env.JOBS_DB_URL) return openEmbedded({ folder: env.JOBS_DATA_DIR, fsync: env.JOBS_EMBEDDED_FSYNC })
  const sql = postgresOf(env, env.JOBS_DB_URL)
  // A PostgreSQL server comes back; the pool waits for it.
  return { sql, close: () => sql.end({ timeout: 5 }), lost: new Promise(() => {}) }
}

function postgresOf(env: Env, url: string) {
  try {
    return connectPostgres({
      url,
      pool: env.JOBS_DB_POOL,
      statementTimeoutMs: env.JOBS_STATEMENT_TIMEOUT_SECONDS * 1000,
      lockTimeoutMs: env.JOBS_LOCK_TIMEOUT_SECONDS * 1000,
    })
  } catch {
    // The driver's own message would repeat the URL, and with it the password.
    throw new Failure('usage', 'JOBS_DB_URL is not a PostgreSQL URL; nothing was started', {
      hint: 'postgres://user:password@host:5432/database, special characters percent-encoded',
    })
  }
}

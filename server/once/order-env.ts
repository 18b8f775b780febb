import { ConninfoError } from '../../shared/conninfo.ts'
import { Failure } from '../../shared/errors.ts'
import type { OnceOrder } from '../../shared/once.ts'
import { readTarget } from '../env/conninfo-target.ts'
import { type Env, readEnv } from '../env/env.ts'

/** Settings of a server that mean nothing where no server listens, and those that are set here. */
const notHere = [
  'HOST PORT JOBS_DB_URL JOBS_DB_URL_FILE JOBS_DB_READ_URL JOBS_DB_READ_URL_FILE JOBS_READ_LAG JOBS_DATA_DIR JOBS_PUBLIC_URL JOBS_TRUSTED_PROXIES JOBS_UI JOBS_FLEET_FILE JOBS_BACKGROUND JOBS_MIGRATE',
  'AUTH_MODE SINGLE_USER_API_KEY SINGLE_USER_API_KEY_FILE SINGLE_USER_API_KEY_PREVIOUS SINGLE_USER_API_KEY_PREVIOUS_FILE',
  'JOBS_OIDC_ISSUER JOBS_OIDC_AUDIENCE JOBS_OIDC_CLIENT_ID JOBS_OIDC_CLIENT_SECRET_FILE JOBS_OIDC_ROLES',
  'JOBS_METRICS JOBS_METRICS_TOKEN JOBS_METRICS_TOKEN_FILE JOBS_DRAIN_SECONDS',
].flatMap((names) => names.split(' '))

/**
 * The settings of a run without a server: the environment decides what it decides for a server, such as JOBS_REDACT_KEYS, except where
 * and for whom a server listens.
 * @throws Failure `usage` for a connection string or a setting that is not taken
 */
export function envOfOrder({ database, from, dashboard }: OnceOrder, environment: NodeJS.ProcessEnv): Env {
  requireTarget(database, from, environment)
  const kept = Object.entries(environment).filter(([name]) => !notHere.includes(name))
  const own = {
    AUTH_MODE: 'multi_user', // each role of the database is a caller of its own
    JOBS_DB_URL: database,
    JOBS_BACKGROUND: 'false',
    JOBS_MIGRATE: 'false',
    JOBS_UI: dashboard ? 'on' : 'off',
  }
  return readEnv({ ...Object.fromEntries(kept), ...own })
}

function requireTarget(database: string, from: string, environment: NodeJS.ProcessEnv): void {
  try {
    readTarget(database, environment)
  } catch (error) {
    if (!(error instanceof ConninfoError)) throw error
    // No cause: it might have a part of the connection string, and with it the password.
    throw new Failure('usage', `${from}, with the variables PG… of libpq, ${error.message}; nothing was connected`, {
      hint: 'as psql takes it: postgres://user@host:5432/database, or host=… dbname=…',
    })
  }
}

import { serverName } from '../call.ts'
import type { Sql } from '../database/sql.ts'
import type { Env } from '../env/env.ts'
import type { Log } from '../log/log.ts'

/**
 * Whether all servers on one database must agree on a setting: with different values, what happens to a job depends on the
 * server that a caller reaches. A new setting must be decided here, or it does not compile. The key of single-user mode is
 * secret, so that it is not compared. A setting that is unset agrees with every value where the database has one then, and is a value of its
 * own, no limit, where it is `limit`.
 */
const mustAgree: Record<keyof Env, boolean | 'limit'> = {
  HOST: false,
  PORT: false,
  JOBS_DB_URL: false,
  JOBS_DB_URL_FILE: false,
  JOBS_DATA_DIR: false,
  JOBS_EMBEDDED_FSYNC: false,
  AUTH_MODE: true,
  SINGLE_USER_API_KEY: false,
  SINGLE_USER_API_KEY_FILE: false,
  SINGLE_USER_API_KEY_PREVIOUS: false,
  SINGLE_USER_API_KEY_PREVIOUS_FILE: false,
  JOBS_ALLOW_SHORT_KEY: false,
  JOBS_TRUSTED_PROXIES: false,
  JOBS_PUBLIC_URL: true,
  JOBS_OIDC_ISSUER: true,
  JOBS_OIDC_AUDIENCE: true,
  JOBS_OIDC_CLIENT_ID: true,
  JOBS_OIDC_CLIENT_SECRET_FILE: false,
  JOBS_OIDC_ROLES: true,
  JOBS_UI: true,
  JOBS_FLEET_FILE: false,
  JOBS_DB_READ_URL: false,
  JOBS_DB_READ_URL_FILE: false,
  JOBS_READ_LAG: false,
  JOBS_DB_SCHEMA: false,
  JOBS_ENGINE: false,
  JOBS_ENGINE_SCHEMA: false,
  JOBS_ENGINE_DOMAIN: false,
  JOBS_MAP_FILE: false,
  JOBS_DB_POOL: false,
  JOBS_DB_OPERATOR_POOL: false,
  JOBS_DB_POOLER: false,
  JOBS_MIGRATE: false,
  JOBS_INDEXES: true,
  JOBS_STATEMENT_TIMEOUT_SECONDS: false,
  JOBS_LOCK_TIMEOUT_SECONDS: false,
  JOBS_MAX_BODY_BYTES: true,
  JOBS_MAX_JSON_BYTES: true,
  JOBS_LEASE_MAX_SECONDS: true,
  JOBS_REQUIRE_COMPLETION_TOKEN: true,
  JOBS_QUARANTINE_THRESHOLD: true,
  JOBS_ARCHIVE_BEFORE_DELETE: true,
  JOBS_ARCHIVE_DAYS: true,
  JOBS_ARCHIVE_MAX_BYTES: 'limit',
  JOBS_CHANGE_MAX_LAG: true,
  JOBS_CHANGE_MAX_WAL: true,
  JOBS_APPROVAL_ABOVE: 'limit',
  JOBS_PLAN_HOURS: false,
  JOBS_EVENTS_DAYS: true,
  JOBS_AUDIT_DAYS: true,
  JOBS_HISTORY: true,
  JOBS_REDACT_KEYS: true,
  JOBS_EDIT_PATHS: true,
  JOBS_VIEWER_FIELDS: true,
  JOBS_AGENT_FIELDS: true,
  JOBS_BACKGROUND: false,
  JOBS_METRICS: false,
  JOBS_METRICS_TOKEN: false,
  JOBS_METRICS_TOKEN_FILE: false,
  JOBS_INSTANCE: true,
  JOBS_LOG_LEVEL: false,
  JOBS_DRAIN_SECONDS: false,
  JOBS_SHUTDOWN_SECONDS: false,
}

/** The agreed settings of this server, as text by name. One that is unset agrees with every value; a limit is `unset` then. */
export function agreedSettings(env: Env): ReadonlyMap<string, string> {
  const values = new Map<string, unknown>(Object.entries(env))
  const agreed = Object.entries(mustAgree).filter(
    ([name, agreed]) => agreed === 'limit' || (agreed && values.get(name) !== undefined),
  )
  return new Map(agreed.map(([name]) => [name, String(values.get(name) ?? 'unset')]))
}

/** A setting of another server that differs from this one. */
interface Difference {
  server: string
  setting: string
  value: string
}

/** Writes the settings of this server to the database, and warns about servers with other settings. */
export interface SettingsExchange {
  run: () => Promise<void>
  /** Takes the settings of this server back, which stops: nobody is warned any more that they differ. */
  end: () => Promise<void>
}

interface Options {
  sql: Sql
  log: Pick<Log, 'warn'>
  settings: ReadonlyMap<string, string>
  /** The URL of this server, for those who work on the database without one. */
  address: string
}

/** Each difference is logged once. */
export function createSettingsExchange({ sql, log, settings, address }: Options): SettingsExchange {
  let logged: ReadonlySet<string> = new Set()
  let isWritten = false
  return {
    async run() {
      const differences = await exchange(sql, { name: serverName, address, settings })
      isWritten = true
      const sentences = differences.map(
        ({ server, setting, value }) =>
          `the server ${server} on this database has ${setting}=${value}, and this server has ${settings.get(setting)}`,
      )
      for (const sentence of sentences) if (!logged.has(sentence)) log.warn(sentence)
      logged = new Set(sentences)
    },
    async end() {
      if (isWritten) await sql`delete from jobsctl_servers where name = ${serverName}`
    },
  }
}

/** A server that did not write for 2 minutes was killed, or does not reach the database; its row is deleted after a day. */
async function exchange(
  sql: Sql,
  { name, address, settings }: { name: string; address: string; settings: ReadonlyMap<string, string> },
): Promise<Difference[]> {
  const own = JSON.stringify(Object.fromEntries(settings))
  return [
    ...(await sql<Difference[]>`
      with written as (
        insert into jobsctl_servers (name, address, settings) values (${name}, ${address}, ${own}::text::jsonb)
        on conflict (name) do update
        set address = excluded.address, settings = excluded.settings, seen_at = now()
      ),
      deleted as (delete from jobsctl_servers where seen_at < now() - interval '1 day')
      select other.name as server, entry.key as setting, entry.value
      from jobsctl_servers as other
      cross join jsonb_each_text(other.settings) as entry
      where other.name <> ${name} and other.seen_at > now() - interval '2 minutes'
        and ${own}::text::jsonb ->> entry.key <> entry.value
      order by 1, 2`),
  ]
}

import { setTimeout as wait } from 'node:timers/promises'
import postgres from 'postgres'
import { endServer, errorsOf, launchServer, urlOf } from '../../launch/server.ts'
import { type Wire, wireTo } from '../../launch/wire.ts'

/** What all scenarios work on. */
export interface Stage {
  /** A session past the servers. */
  sql: postgres.Sql
  dbUrl: string
  folder: string
  /** Fewer tries, for CI. */
  short: boolean
  /** Runs `use` with a server, and stops the server. `env` are more variables; each line of `error` is a lie. */
  withServer: (use: (server: { url: string }) => Promise<void>, options?: ServerOptions) => Promise<void>
  /** A name of a domain that no other try has. */
  domain: () => string
  /** Adds a lie to the scenario that runs. */
  lie: (sentence: string) => void
}

interface ServerOptions {
  env?: Record<string, string>
  dbUrl?: string
  until?: 'ready' | 'listening'
}

interface StageOptions {
  dbUrl: string
  folder: string
  short: boolean
  lie: (sentence: string) => void
}

/** Opens the session, and has a server make the tables. */
export async function openStage({ dbUrl, folder, short, lie }: StageOptions): Promise<Stage> {
  // A statement that waits for a lock for ever would keep the campaign from its end.
  const sql = postgres(dbUrl, { max: 4, onnotice: () => {}, connection: { statement_timeout: 120_000 } })
  let domains = 0
  const withServer: Stage['withServer'] = async (use, { env, dbUrl: other = dbUrl, until } = {}) => {
    const server = launchServer({ folder, env: { JOBS_DB_URL: other, JOBS_DATA_DIR: folder, ...env } })
    try {
      await use({ url: await urlOf(server, until) })
    } finally {
      await endServer(server, 'SIGKILL')
    }
    for (const line of errorsOf(server)) lie(`the log of the server has an error: ${line.slice(0, 300)}`)
  }
  await withServer(async () => {})
  return { sql, dbUrl, folder, short, withServer, lie, domain: () => `d${++domains}` }
}

/** Runs `use` with a server whose connections to the database go through a wire. */
export async function withWire(
  stage: Stage,
  env: Record<string, string>,
  use: (server: { url: string }, wire: Wire) => Promise<void>,
): Promise<void> {
  const wire = await wireTo(stage.dbUrl)
  try {
    await stage.withServer((server) => use(server, wire), { env, dbUrl: wire.url })
  } finally {
    await wire.stop()
  }
}

/** Waits until no server runs a statement, or holds a transaction open: what is changed by then stays changed. */
export async function untilQuiet({ sql }: Pick<Stage, 'sql'>): Promise<void> {
  for (let quiet = 0, looks = 0; quiet < 3 && looks < 600; looks++) {
    const [busy] = await sql`
      select from pg_stat_activity
      where datname = current_database() and application_name = 'jobs-server' and backend_xid is not null
      limit 1`
    quiet = busy ? 0 : quiet + 1
    await wait(50)
  }
}

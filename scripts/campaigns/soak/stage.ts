import type { Sql } from 'postgres'
import { bundleDriver } from '../../build/driver/bundle-driver.ts'
import { type HangingWay, openHangingWay } from '../../launch/hanging-way.ts'
import { startPooler } from '../../launch/pooler.ts'
import { startPostgres, startReplica, type ThrowawayPostgres } from '../../launch/postgres.ts'
import { type Server, startServer } from '../../launch/restartable.ts'
import type { Run } from '../campaign.ts'

/** A streaming replica at which both servers read, and the way on which they reach it. */
export interface StageReplica {
  server: ThrowawayPostgres
  way: HangingWay
}

/** Two servers on one database. */
export interface Stage extends Pick<Run, 'folder' | 'log'> {
  sql: Sql
  postgres: ThrowawayPostgres
  servers: readonly [Server, Server]
  /** Undefined where the stage has none. */
  replica: StageReplica | undefined
}

export interface StageOptions {
  /** The second server is behind PgBouncer, where that is installed. */
  pooled?: boolean
  /** Both servers read at a replica. The second one reaches it by PgBouncer, too. */
  replicated?: boolean
  /** More variables of the servers. */
  env?: Record<string, string>
}

const settings = [
  // Committed transactions must survive a killed process. They need not survive a power failure, so fsync stays off.
  ...['synchronous_commit=on', 'full_page_writes=on'],
  'autovacuum_naptime=10s',
]

/** What a pooler must set for the sessions: docs/deploy/pooler.md. */
const pooledSettings = {
  ...{ enable_seqscan: 'off', jit: 'off', plan_cache_mode: 'force_generic_plan' },
  ...{ max_parallel_workers_per_gather: '0', statement_timeout: '60000', lock_timeout: '5000' },
}

/** Starts PostgreSQL and the servers, calls `use`, and stops PostgreSQL. Who uses the servers ends them. */
export async function onStage<T>(
  { pooled = false, replicated = false, env }: StageOptions,
  { folder, log }: Pick<Run, 'folder' | 'log'>,
  use: (stage: Stage) => Promise<T>,
): Promise<T> {
  // The sessions of this process end with PostgreSQL, too, which is killed.
  const connect = await bundleDriver(folder)
  const database = await startPostgres(settings)
  const server = replicated ? await startReplica(database, 'soak') : undefined
  const replica = server && { server, way: await openHangingWay(server.url) }
  const sql = connect(database.url, { max: 8, onnotice: () => {}, backoff: () => 0.2 })
  const pooler = pooled ? await startPooler(database.url) : undefined
  if (pooled && !pooler) log('skipped: PgBouncer is not installed; both servers are on PostgreSQL itself')
  const readPooler = pooler && replica ? await startPooler(replica.way.url) : undefined
  const readEnv = (url: string | undefined): Record<string, string> =>
    url === undefined ? {} : { JOBS_DB_READ_URL: url, JOBS_READ_LAG: '2' }
  const start = (url: string, more = readEnv(replica?.way.url)) => startServer(url, folder, { ...env, ...more })
  try {
    const first = await start(database.url)
    if (pooler) {
      for (const [name, value] of Object.entries(pooledSettings))
        await sql.unsafe(`alter database postgres set ${name} = '${value}'`)
    }
    const behind = { JOBS_DB_POOLER: 'true', ...readEnv(readPooler?.urlOf('postgres')) }
    const second = await (pooler ? start(pooler.urlOf('postgres'), behind) : start(database.url))
    return await use({ folder, log, sql, postgres: database, servers: [first, second], replica })
  } finally {
    await sql.end({ timeout: 5 })
    await pooler?.stop()
    await readPooler?.stop()
    replica?.way.close()
    await replica?.server.stop()
    await database.stop()
  }
}

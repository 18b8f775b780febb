import postgres, { type Sql } from 'postgres'
import { startPooler } from '../../launch/pooler.ts'
import { type Server, startServer } from '../../launch/restartable.ts'

/** Two servers on one database. */
export interface Stage {
  sql: Sql
  /** The server whose memory is watched, and the one that is killed all the time. */
  servers: readonly [Server, Server]
  end: () => Promise<void>
}

/** What a pooler must set for the sessions: docs/deploy/pooler.md. */
const settings = {
  ...{ enable_seqscan: 'off', jit: 'off', plan_cache_mode: 'force_generic_plan' },
  ...{ max_parallel_workers_per_gather: '0', statement_timeout: '60000', lock_timeout: '5000' },
}

/** Starts the servers: one on PostgreSQL, and one behind PgBouncer where that is installed. */
export async function openStage(dbUrl: string, folder: string): Promise<Stage> {
  const sql = postgres(dbUrl, { max: 8, onnotice: () => {} })
  const pooler = await startPooler(dbUrl)
  if (!pooler) console.log('skipped: PgBouncer is not installed; both servers are on PostgreSQL itself')
  const own = postgres(dbUrl, { max: 1, onnotice: () => {} })
  const first = await startServer(dbUrl, folder)
  for (const [name, value] of Object.entries(settings))
    if (pooler) await own.unsafe(`alter database postgres set ${name} = '${value}'`)
  await own.end()
  const second = pooler
    ? await startServer(pooler.urlOf('postgres'), folder, { JOBS_DB_POOLER: 'true' })
    : await startServer(dbUrl, folder)
  return {
    sql,
    servers: [first, second],
    async end() {
      await sql.end()
      await pooler?.stop()
    },
  }
}

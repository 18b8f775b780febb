import postgres from 'postgres'
import { afterEach, describe, expect, it } from 'vitest'
import { mostOfWorkers } from '../../../shared/queues/most-of-workers.ts'
import { listWorkers } from '../../../shared/queues/workers.ts'
import { emptyDatabase } from '../../support/database/database.ts'
import { countIds, fillBullMq, makeBullMq } from '../../support/engines/bullmq.ts'
import { fillGraphileWorker, makeGraphileWorker } from '../../support/engines/graphile-worker.ts'
import { emailMap, fillEmailJobs, makeEmailJobs, mapFile } from '../../support/engines/mapped.ts'
import { fillPgBoss, makePgBoss } from '../../support/engines/pg-boss.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'

interface Engine {
  make: (sql: postgres.Sql) => Promise<unknown>
  /** Adds a running job of each of so many workers. */
  addWorkers: (sql: postgres.Sql, workers: number) => Promise<unknown>
  map?: string
  /** What is known of the jobs that a worker has ended. */
  ended: unknown
  /** How many of the leases of one of these workers are over: null where nobody knows. */
  expired: unknown
}

const mapped = {
  expired: null,
  make: (sql: postgres.Sql) => makeEmailJobs(sql, 'bigint').then(() => fillEmailJobs(sql, 50)),
  addWorkers: (sql: postgres.Sql, workers: number) => sql`
    insert into app.email_jobs (queue, kind, state, locked_at, "Locked by", args)
    select 'mail', 'send', 1, now(), 'w' || n, '{}' from generate_series(1, ${workers}::int) as n`,
}

async function makeLargeTable(sql: postgres.Sql) {
  await mapped.make(sql)
  await sql`
    insert into app.email_jobs (queue, kind, state, updated_at, args)
    select 'mail', 'send', 2, now() - interval '1 day', '{}' from generate_series(1, 110000) as n`
  await sql`analyze app.email_jobs`
}

const engines: Record<string, Engine> = {
  'pg-boss': {
    make: (sql) => makePgBoss({ sql, version: 46 }).then(() => fillPgBoss({ sql, version: 46 })),
    addWorkers: (sql, workers) => sql`
      insert into pgboss.instance (id, name, host, pid, version, workers, started_on, heartbeat_on, heartbeat_seconds)
      select gen_random_uuid(), 'w' || n, 'host', n, '12.38', '[{"queue": "mail", "active": 1}]', now(), now(), 10
      from generate_series(1, ${workers}::int) as n`,
    ended: null,
    expired: null,
  },
  bullmq: {
    make: (sql) => makeBullMq({ sql, version: 11 }).then(() => fillBullMq({ sql, version: 11 })),
    async addWorkers(sql, workers) {
      await countIds({ sql }, 'many', workers)
      await sql`
        insert into bullmq.job (queue, id, seq, name, state, processed_by, added_at_ms, process_at_ms, processed_at_ms)
        select 'many', n::text, nextval('bullmq.job_seq'), 'send', 'active', 'w' || n, 1, 1, 1 from generate_series(1, ${workers}::int) as n`
    },
    ended: null,
    expired: 1,
  },
  'graphile-worker': {
    make: (sql) => makeGraphileWorker({ sql }).then(() => fillGraphileWorker({ sql })),
    addWorkers: (sql, workers) => sql`
      insert into graphile_worker._private_jobs (task_id, locked_at, locked_by)
      select (select min(id) from graphile_worker._private_tasks), now(), 'w' || n from generate_series(1, ${workers}::int) as n`,
    ended: null,
    expired: 0,
  },
  'a mapped table': { ...mapped, map: emailMap, ended: 0 },
  'a large mapped table without an index of the end': {
    ...mapped,
    make: (sql) => makeLargeTable(sql),
    map: emailMap,
    ended: null,
  },
  'a large mapped table with an index of the end': {
    ...mapped,
    make: (sql) => makeLargeTable(sql).then(() => sql`create index on app.email_jobs (state, updated_at)`),
    map: emailMap,
    ended: 0,
  },
  'a mapped table that keeps no time of the end': {
    ...mapped,
    map: emailMap.replace(', ended: updated_at', '').replace(/^prune.*\n/m, ''),
    ended: null,
  },
}

describe('the workers of another engine', () => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close()
  })

  it.each(Object.entries(engines))('%s: are said to be more than an answer has', async (_name, engine) => {
    const database = await emptyDatabase()
    closing.push(() => database.drop())
    const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    closing.push(() => sql.end())
    await engine.make(sql)
    const env = engine.map ? { JOBS_MAP_FILE: await mapFile(engine.map) } : {}
    const server = await startServer({ ...database.env, ...env, SINGLE_USER_API_KEY: 'key' })
    closing.push(() => server.stop())
    await server.prepared
    const ask = async () => {
      const path = listWorkers.path
      const { status, body, headers } = await call({
        url: server.url,
        method: 'GET',
        path,
        headers: { 'x-api-key': 'key' },
      })
      expect({ status, body }).toMatchObject({ status: 200 })
      return { rows: listWorkers.output.parse(body), isComplete: headers['x-complete'] }
    }
    expect(await ask()).toMatchObject({ isComplete: 'true' })
    await engine.addWorkers(sql, mostOfWorkers.workers)
    const { rows, isComplete } = await ask()
    expect({ rows: rows.length, isComplete }).toEqual({ rows: mostOfWorkers.workers, isComplete: 'false' })
    const one = rows.find(({ worker_id }) => worker_id === 'w1' || worker_id === 'w2')
    expect(one).toMatchObject({ leases: 1, done_15m: engine.ended, failed_15m: engine.ended, expired: engine.expired })
  })
})

import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPooler } from '../../../../scripts/launch/pooler.ts'
import type { Running } from '../../../../server/start.ts'
import { emptyDatabase, newFolder, type TestDatabase } from '../../../support/database/database.ts'
import { call } from '../../../support/http.ts'
import { countsOf, expectRight } from '../../../support/observe/counts.ts'
import { untilHistoryIsKept, untilSameCounters } from '../../../support/observe/metrics.ts'
import { until } from '../../../support/poll.ts'
import { startServer } from '../../../support/programs/built.ts'
import { runServer, spawnServer } from '../../../support/programs/spawn-server.ts'
import { postgresUrl } from '../../../support/run/shared.ts'
import { workerOf } from '../../../support/worker.ts'
import { paths } from '../../../support/world.ts'

const key = 'key-of-the-tests'
const pooler = await startPooler(await postgresUrl())
if (!pooler) process.stderr.write('skipped: pgbouncer is not installed\n')

describe.skipIf(!pooler)('two servers behind a pooler in transaction mode', () => {
  let database: TestDatabase
  let url = ''
  let servers: Running[] = []
  /** Past the pooler. */
  let sql: postgres.Sql
  beforeAll(async () => {
    database = await emptyDatabase()
    const direct = database.env.JOBS_DB_URL ?? ''
    sql = postgres(direct, { max: 1 })
    url = pooler?.urlOf(new URL(direct).pathname.slice(1)) ?? ''
    const env = {
      JOBS_DB_URL: url,
      JOBS_DB_POOLER: 'true',
      SINGLE_USER_API_KEY: key,
      JOBS_DB_POOL: '6',
      JOBS_METRICS: 'on',
    }
    const start = async () => startServer({ ...env, JOBS_DATA_DIR: await newFolder('data') })
    servers = await Promise.all([start(), start()])
    await Promise.all(servers.map(({ prepared }) => prepared))
  })
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()))
    await sql?.end()
    await database?.drop()
    await pooler?.stop()
  })

  const at = (nth: number) => {
    const send = (method: string, path: string, body?: unknown) =>
      call({ url: servers[nth]?.url ?? '', method, path, body, headers: { 'x-api-key': key, 'x-confirm': 'true' } })
    const post = (path: string, body: unknown) => send('POST', path, body)
    return { send, post, ...workerOf(post) }
  }

  it('work as one: jobs, previews and counts of one are those of the other', async () => {
    const [one, other] = [at(0), at(1)]
    const { id } = await one.enqueue({ queue: 'quick' })
    const job = await other.take({ queue: 'quick' })
    expect(job.id).toBe(id)
    await one.complete(job)
    // Held calls hear nothing through a pooler, and look by themselves.
    const held = other.lease({ queue: 'late', wait_seconds: 20 })
    await one.enqueue({ queue: 'late' })
    expect(await held).toHaveLength(1)

    await sql`
      insert into jobs (domain, queue, job_type, status, completed_at)
      select 'old', 'q', 't', 'completed', now() - interval '90 days' from generate_series(1, 3000)`
    const { body } = await one.post(paths.prune, { domain: 'old', dry_run: true })
    const preview_token = Object(body).preview.token
    expect((await other.post(paths.prune, { domain: 'old', preview_token })).body).toMatchObject({ deleted: 3000 })
    expect((await one.post(paths.prune, { domain: 'old', preview_token })).status).toBe(409)

    const [{ sql: pool } = { sql: undefined }] = servers
    if (!pool) throw new Error('there is no server')
    for (const { send } of [one, other]) {
      await until('the counts are kept', async () => (await countsOf({ call: send })).kept)
      await expectRight({ call: send, sql: pool })
    }
  })

  it('are scraped, both, and tell the same counters', async () => {
    const sends = [at(0).send, at(1).send]
    for (const send of sends) await untilHistoryIsKept({ call: send })
    const queue = { queue: 'scraped' }
    await at(0).enqueueAll([queue, queue])
    await at(1).complete(await at(1).take(queue))
    const group = 'domain="chatbooks",queue="scraped",job_type="export"'
    await untilSameCounters(
      sends.map((send) => async () => String((await send('GET', '/metrics/jobs')).body)),
      {
        [`jobsctl_jobs{${group},state="queued"}`]: 1,
        [`jobsctl_transitions_total{${group},event="created"}`]: 2,
        [`jobsctl_transitions_total{${group},event="completed"}`]: 1,
      },
    )
    for (const send of sends) expect((await send('GET', '/metrics')).status).toBe(200)
  })

  it('go on with a change without its caller when the server that runs it is killed', async () => {
    await sql`
      insert into jobs (domain, queue, job_type, status, completed_at)
      select 'long', 'q', 't', 'completed', now() - interval '90 days' from generate_series(1, 60)`
    const env = { JOBS_DB_URL: url, JOBS_DB_POOLER: 'true', SINGLE_USER_API_KEY: key }
    const third = await spawnServer({ ...env, JOBS_DATA_DIR: await newFolder('data') })
    const headers = { 'x-api-key': key, 'x-confirm': 'true', prefer: 'respond-async' }
    const ask = { url: third.url, method: 'POST', path: paths.prune, headers, body: { domain: 'long', rate: 16 } }
    try {
      const { body } = await until('the server is ready', async () => {
        const answer = await call(ask)
        return answer.status === 202 ? answer : undefined
      })
      const record = async () => (await at(0).send('GET', `/api/v1/jobs/operations/${Object(body).operation_id}`)).body
      await until('a batch is done', async () => Object(await record()).affected > 0)
      await third.kill()
      await until('it has ended', async () => Object(await record()).state !== 'running')
      expect(await record()).toMatchObject({ state: 'done', affected: 60 })
    } finally {
      await third.kill()
    }
  })

  it('leave nothing behind in sessions that others share', async () => {
    const shared = postgres(url, { max: 4 })
    const settings = await Promise.all(
      Array.from(
        { length: 8 },
        () =>
          shared<{ found: string }[]>`
          select concat_ws(' ', current_setting('statement_timeout'), current_setting('lock_timeout'),
            current_setting('idle_in_transaction_session_timeout'), current_setting('enable_seqscan')) as found`,
      ),
    )
    await shared.end()
    expect(new Set(settings.map(([row]) => row?.found))).toEqual(new Set(['0 0 0 on']))
    // A transaction of those who count may just be at it: what a session keeps is there at each look.
    await until('no lock is left', async () => {
      const locks = await sql`
        select from pg_locks join pg_database on pg_database.oid = database
        where locktype = 'advisory' and datname = current_database()`
      return locks.length === 0
    })
  })

  it('name the missing setting where JOBS_DB_POOLER is not set', async () => {
    const { code, err } = await runServer([], {
      JOBS_DB_URL: url,
      SINGLE_USER_API_KEY: key,
      JOBS_DATA_DIR: await newFolder('data'),
      PORT: '0',
    })
    expect(code).toBe(2)
    expect(err).toContain('set JOBS_DB_POOLER=true')
  })
})

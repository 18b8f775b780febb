import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newDatabase, type TestDatabase } from '../../support/database/database.ts'
import { type Answer, call } from '../../support/http.ts'
import { countsOf } from '../../support/observe/counts.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { readStats } from '../../support/streams/stats-reader.ts'
import { jobPaths, workerOf } from '../../support/worker.ts'
import { paths } from '../../support/world.ts'

/** Rows of jobs that were read, by the way in which they were found. */
interface Reads {
  scanned: number
  fetched: number
}

const key = 'key-of-the-tests'

type Send = (method: string, path: string, body?: unknown) => Promise<Answer>

type Run = (worker: ReturnType<typeof workerOf>, send: Send, url: string) => Promise<unknown>

describe('the cost of a call beside 300,000 jobs of other queues', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  beforeAll(async () => {
    database = await newDatabase('postgres')
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1 })
    await withServer(async () => {})
    await sql.unsafe(`
      alter table jobs set (autovacuum_enabled = false);
      insert into jobs (uuid, domain, queue, job_type, status, priority, created_at, payload)
      select 'q' || n, 'busy', 'q' || n % 20, 't', 'queued', 1 + n % 10, now() - n * interval '1 second', '{}'
      from generate_series(1, 200000) n;
      insert into jobs (uuid, domain, queue, job_type, status, created_at, completed_at, lease_id, worker_id, payload)
      select 'f' || n, 'chatbooks', 'default', 't', 'completed', now(), now(), 'l', 'w', '{}'
      from generate_series(1, 100000) n;
      insert into jobs (uuid, domain, queue, job_type, status, leased_until, lease_id, worker_id, payload)
      select 'p' || n, 'busy', 'q1', 't', 'processing', now() + interval '1 hour', 'l', 'w', '{}'
      from generate_series(1, 2000) n`)
    await sql`analyze jobs`
    await withServer(async (_worker, send) => {
      await until('the counts are kept', async () => (await countsOf({ call: send })).kept)
    })
    // They are compared with the jobs now and then, which reads all that live: not now.
    await sql`update jobsctl_counting set checked_at = now() + interval '1 hour'`
  })
  afterAll(async () => {
    await sql?.end()
    await database?.drop()
  })

  /** A server of its own, whose sessions are over when it has stopped: PostgreSQL counts what they read by then. */
  async function withServer(run: Run): Promise<void> {
    const server = await startServer({
      ...database.env,
      SINGLE_USER_API_KEY: key,
      JOBS_DB_POOL: '2',
      JOBS_METRICS: 'on',
    })
    const send = (method: string, path: string, body?: unknown) =>
      call({ url: server.url, method, path, body, headers: { 'x-api-key': key } })
    try {
      await server.prepared
      await run(
        workerOf((path, body) => send('POST', path, body)),
        send,
        server.url,
      )
    } finally {
      await server.stop()
    }
    await until('the sessions are over', async () => {
      const [row] = await sql<[{ n: number }]>`
        select count(*)::int as n from pg_stat_activity
        where datname = current_database() and application_name = 'jobs-server'`
      return row.n === 0
    })
  }

  async function reads(): Promise<Reads> {
    const [row] = await sql<[Reads]>`
      select seq_tup_read::int as scanned, idx_tup_fetch::int as fetched
      from pg_stat_user_tables where relname = 'jobs'`
    return row
  }

  async function readBy(run: Run): Promise<Reads> {
    const before = await reads()
    await withServer(run)
    const after = await reads()
    return { scanned: after.scanned - before.scanned, fetched: after.fetched - before.fetched }
  }

  it('is that of nothing for an acquire on an empty queue, also with a plan for all', async () => {
    const { scanned, fetched } = await readBy(async (worker) => {
      // The sixth time PostgreSQL may make one plan for all parameters.
      for (let n = 0; n < 20; n++) expect(await worker.lease({ limit: 100 })).toEqual([])
    })
    expect(scanned).toBe(0)
    expect(fetched).toBeLessThan(20 * 5)
  })

  it('is that of its own jobs for enqueue, acquire, renew, finish and cancel', async () => {
    const { scanned, fetched } = await readBy(async (worker) => {
      for (let n = 0; n < 10; n++) {
        await worker.enqueue({ idempotency_key: `k${n}` })
        const job = await worker.take()
        await worker.renew(job)
        await worker.fail(job, { backoff_seconds: 0 })
        await worker.complete(await worker.take(), { completion_token: 't' })
        await worker.cancel((await worker.enqueue()).id)
      }
    })
    expect(scanned).toBe(0)
    expect(fetched).toBeLessThan(10 * 60)
  })

  it('is that of its own jobs for many at once, each read a few times', async () => {
    const { scanned, fetched } = await readBy(async (worker, send) => {
      await worker.enqueueAll(Array.from({ length: 100 }, () => ({})))
      const jobs = await worker.lease({ limit: 100, lease_seconds: 60 })
      expect(jobs).toHaveLength(100)
      const held = jobs.map(({ id, lease_id, worker_id }) => ({ id, lease_id, worker_id }))
      const renewed = await send('POST', jobPaths.renewMany, {
        jobs: held.map((job) => ({ ...job, lease_seconds: 90 })),
      })
      expect(renewed.status).toBe(200)
      const finished = await send('POST', jobPaths.finishMany, {
        jobs: held.map((job) => ({ ...job, action: 'complete' })),
      })
      expect(finished.status).toBe(200)
    })
    expect(scanned).toBe(0)
    expect(fetched).toBeLessThan(100 * 10)
  })

  it('is that of its own jobs where jobs wait for others, and go down with them', async () => {
    const { scanned, fetched } = await readBy(async (worker) => {
      for (let n = 0; n < 10; n++) {
        const needed = await worker.enqueue()
        await worker.enqueue({ depends_on: [needed.uuid] })
        await worker.fail(await worker.take(), { retryable: false })
      }
    })
    expect(scanned).toBe(0)
    expect(fetched).toBeLessThan(10 * 60)
  })

  it('is that of the next jobs for an acquire on a queue of ten thousand', async () => {
    const { scanned, fetched } = await readBy(async (worker) => {
      for (let n = 0; n < 10; n++) expect(await worker.lease({ domain: 'busy', queue: 'q2', limit: 5 })).toHaveLength(5)
    })
    expect(scanned).toBe(0)
    expect(fetched).toBeLessThan(10 * 60)
  })

  it('is that of the jobs before it for an explanation, and of the newest ended jobs', async () => {
    // A session of its own: PostgreSQL counts what a session read at its end at the latest, and else up to a minute later.
    const session = postgres(database.env.JOBS_DB_URL ?? '', { max: 1 })
    const ids = await session<{ id: string; ahead: number }[]>`
      select id::text, row_number() over (order by created_at, id)::int - 1 as ahead
      from jobs where domain = 'busy' and queue = 'q5'`
    await session.end()
    const explain = (at: number) => async (_worker: unknown, send: Send) => {
      const { id, ahead } = ids[at] ?? { id: '', ahead: 0 }
      const { body } = await send('GET', `/api/v1/jobs/${id}/explain`)
      expect(body).toMatchObject({ place: { ahead, exact: true } })
    }
    await readBy(explain(0))
    for (const at of [0, 9000]) {
      const { scanned, fetched } = await readBy(explain(at))
      expect(scanned).toBe(0)
      expect(fetched).toBeLessThan(2000 + at + 500)
    }
    const ofQueue = await readBy(async (_worker, send) => {
      const { body } = await send('GET', '/api/v1/jobs/queues/explain?domain=busy&queue=q1')
      expect(body).toMatchObject({ due: 10_000, leased: 2000, workers: 1 })
    })
    expect(ofQueue.scanned).toBe(0)
    expect(ofQueue.fetched).toBeLessThan(2000 + 1000 + 2000 + 500)
  })

  it('is that of the groups for a scrape of metrics, and of 2,000 leases', async () => {
    const { scanned, fetched } = await readBy(async (_worker, send) => {
      const { status, body } = await send('GET', '/metrics/jobs')
      expect(status).toBe(200)
      const series = 'jobsctl_jobs{domain="busy",queue="q2",job_type="t",state="queued"}'
      expect(String(body)).toMatch(new RegExp(`^${series.replace(/[{}]/g, String.raw`\$&`)} [0-9]+$`, 'm'))
    })
    expect(scanned).toBe(0)
    expect(fetched).toBeLessThan(2000 + 21 * 15 + 500)
  })

  it('is that of what is wrong for expired leases, failures and limits of groups', async () => {
    await sql`
      insert into job_sla_policies (domain, queue, job_type, max_queue_latency_seconds)
      values ('busy', 'q2', 't', 199000), ('busy', 'q3', 't', 199999999)`
    try {
      const { scanned, fetched } = await readBy(async (_worker, send) => {
        for (let n = 0; n < 10; n++) {
          expect((await send('GET', '/api/v1/jobs/stale')).body).toEqual([])
          expect((await send('GET', '/api/v1/jobs/clusters?domain=busy')).body).toEqual({
            clusters: [],
            expired_leases: [],
            not_read: [],
          })
          expect((await send('GET', '/api/v1/jobs/sla/breaches?limit=10')).body).toHaveLength(10)
        }
      })
      expect(scanned).toBe(0)
      expect(fetched).toBeLessThan(10 * 100)
    } finally {
      await sql`delete from job_sla_policies`
    }
  })

  it('is a few jobs of each group for the stream of stats', async () => {
    const { scanned, fetched } = await readBy(async (_worker, _send, url) => {
      // The sixth time PostgreSQL may make one plan for all parameters; a read is shared for a second.
      const times = new Set<string>()
      await until('there were eight reads', async () => {
        const reader = await readStats({ url, key })
        expect(reader.groups().get('busy/q0/t')?.oldest_due).not.toBeNull()
        times.add(reader.messages[0]?.frame.as_of ?? '')
        reader.stop()
        return times.size === 8
      })
    })
    expect(scanned).toBe(0)
    expect(fetched).toBeLessThan(8 * 20 * 5)
  })

  it('is that of the groups for stats, of all and of a domain', async () => {
    const pages = async () => {
      const [row] = await sql<[{ read: number }]>`
        select sum(idx_blks_hit + idx_blks_read)::int as read from pg_statio_user_indexes where relname = 'jobs'`
      return row.read
    }
    const before = await pages()
    const { scanned } = await readBy(async (_worker, send) => {
      for (let n = 0; n < 10; n++) {
        expect((await send('GET', paths.stats)).body).toContainEqual(expect.objectContaining({ domain: 'chatbooks' }))
        expect((await send('GET', `${paths.stats}?domain=busy`)).body).toHaveLength(20)
      }
    })
    expect(scanned).toBe(0)
    expect((await pages()) - before).toBeLessThan(20 * 1000)
  })
})

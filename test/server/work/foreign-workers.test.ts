import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { held, jobPath, workerOf } from '../../support/worker.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

/** Workers of another program, which know nothing of the server: plain SQL on the same tables. */
const foreign = (sql: postgres.Sql) => ({
  acquire: async (name: string, seconds = 60): Promise<number | undefined> => {
    const [job] = await sql<{ id: number }[]>`
      update jobs
      set status = 'processing', worker_id = ${name}, lease_id = md5(random()::text), acquired_at = now(),
          started_at = coalesce(started_at, now()), leased_until = now() + make_interval(secs => ${seconds})
      where id = (
        select id from jobs
        where status = 'queued' and domain = 'chatbooks' and queue = 'default'
          and (available_at is null or available_at <= now())
        order by priority, coalesce(available_at, created_at), id
        for update skip locked
        limit 1
      )
      returning id::int`
    return job?.id
  },
  complete: (name: string, id: number) => sql`
    update jobs set status = 'completed', completed_at = now(), leased_until = null
    where id = ${id} and status = 'processing' and worker_id = ${name}`,
})

describe('workers of another program beside workers over HTTP', () => {
  let world: World
  let sql: postgres.Sql
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld('postgres')
    worker = workerOf(world.post)
    sql = postgres(world.env.JOBS_DB_URL ?? '', { max: 6 })
  })
  afterAll(async () => {
    await sql?.end()
    await world?.stop()
  })
  beforeEach(() => world.clear())

  it('do each job once, whoever gets it', async () => {
    await world.jobs(300, { status: 'queued' })
    const done: { id: number; by: string }[] = []
    const overHttp = async (by: string) => {
      for (;;) {
        const jobs = await worker.lease({ worker_id: by, limit: 3 })
        if (jobs.length === 0) return
        for (const job of jobs) {
          expect(await worker.complete(job)).toMatchObject({ status: 'completed' })
          done.push({ id: job.id, by })
        }
      }
    }
    const inSql = async (by: string) => {
      const other = foreign(sql)
      for (let id = await other.acquire(by); id !== undefined; id = await other.acquire(by)) {
        expect((await other.complete(by, id)).count).toBe(1)
        done.push({ id, by })
      }
    }
    await Promise.all([overHttp('h1'), overHttp('h2'), inSql('s1'), inSql('s2'), inSql('s3')])

    expect(done.map(({ id }) => id).sort((a, b) => a - b)).toEqual((await world.rows()).map(({ id }) => id))
    for (const { status, worker_id, id } of await world.rows()) {
      expect({ status, worker_id }).toEqual({ status: 'completed', worker_id: done.find((job) => job.id === id)?.by })
    }
    expect(new Set(done.map(({ by }) => by.slice(0, 1)))).toEqual(new Set(['h', 's']))
  })

  it('are not in the way of each other: a job that one holds in a transaction is passed over', async () => {
    const [first] = await world.jobs(1, { status: 'queued', priority: 1 })
    const [second] = await world.jobs(1, { status: 'queued' })
    await sql.begin(async (tx) => {
      await tx`select from jobs where id = ${first ?? 0} for update`
      expect(await worker.lease({ limit: 5 })).toMatchObject([{ id: second }])
    })
    expect(await worker.lease({ limit: 5 })).toMatchObject([{ id: first }])
  })

  it('take over each other’s expired leases, and whoever lost the job can change nothing', async () => {
    await world.jobs(1, { status: 'queued', max_retries: 9 })
    const theirs = await foreign(sql).acquire('s', -1)
    const ours = await worker.take({ worker_id: 'h' })
    expect(ours).toMatchObject({ id: theirs, retry_count: 1 })
    expect((await foreign(sql).complete('s', ours.id)).count).toBe(0)

    await sql`
      update jobs set worker_id = 's', lease_id = 'theirs', leased_until = now() + interval '1 minute' where id = ${ours.id}`
    const before = await world.fingerprint()
    for (const step of ['renew', 'complete', 'release'] as const) {
      expect(await world.post(jobPath(ours.id, step), held(ours))).toMatchObject({
        status: 409,
        body: { code: 'lease_lost' },
      })
    }
    const failure = { ...held(ours), error: 'e', completion_token: 't' }
    expect((await world.post(jobPath(ours.id, 'fail'), failure)).status).toBe(409)
    expect(await world.fingerprint()).toBe(before)
  })

  it('see a queue that another program stopped or started as it is, at the next call', async () => {
    await world.jobs(2, { status: 'queued' })
    await sql`insert into job_queue_controls (domain, queue, paused) values ('chatbooks', 'default', true)`
    expect(await worker.lease()).toEqual([])
    await sql`update job_queue_controls set paused = false`
    expect(await worker.lease()).toHaveLength(1)
    await sql`delete from job_queue_controls`
    expect(await worker.lease()).toHaveLength(1)
  })

  it('may enqueue the same key at the same time: one job comes of it', async () => {
    const insert = () => sql`
      insert into jobs (domain, queue, job_type, status, idempotency_key, payload)
      values ('chatbooks', 'default', 'export', 'queued', 'k', '{}') on conflict do nothing`
    const answers = await Promise.all([
      ...Array.from({ length: 5 }, () => worker.enqueue({ idempotency_key: 'k' })),
      ...Array.from({ length: 5 }, insert),
    ])
    expect(answers).toHaveLength(10)
    expect(await world.count()).toBe(1)
  })

  it('may leave rows with nothing but what is required: they are leased, finished and swept as any', async () => {
    await sql`
      insert into jobs (domain, queue, job_type, status, priority, max_retries, retry_count, created_at, payload, uuid)
      select 'chatbooks', 'default', 'x', 'queued', null, null, null, now() - interval '1 hour', null, null
      from generate_series(1, 3)`
    const [first, second] = await worker.lease({ limit: 2 })
    if (!first || !second) throw new Error('three jobs were there')
    expect(await worker.fail(first, { backoff_seconds: 0 })).toMatchObject({ status: 'queued', retry_count: 1 })
    expect(await worker.complete(second)).toMatchObject({ status: 'completed', retry_count: 0 })
    expect((await world.confirm(paths.sweep, { age_seconds: 60 })).body).toMatchObject({ affected: 2 })
  })

  it('may end a job while a worker over HTTP finishes it: one of them does', async () => {
    for (let n = 0; n < 20; n++) {
      await world.jobs(1, { status: 'queued' })
      const job = await worker.take()
      const [ours, theirs] = await Promise.all([
        world.post(jobPath(job.id, 'complete'), held(job)),
        sql`
          update jobs set status = 'cancelled', cancelled_at = now(), leased_until = null, lease_id = null
          where id = ${job.id} and status = 'processing'`,
      ])
      expect(ours.status === 200 ? 1 : 0).toBe(1 - theirs.count)
      expect(ours.status === 200 || ours.status === 409).toBe(true)
    }
  })
})

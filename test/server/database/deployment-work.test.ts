import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { events, stoppedQueues } from '../../../shared/endpoints.ts'
import { emptyDatabase } from '../../support/database/database.ts'
import { hasDeployment, loadDeployment } from '../../support/database/existing-deployment.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'
import { jobPaths, newJob, workerOf } from '../../support/worker.ts'

const key = 'key-of-the-tests'

describe.skipIf(!hasDeployment)('a database that another program made, worked over HTTP', () => {
  let sql: postgres.Sql
  let stop = async () => {}
  let url = ''
  beforeAll(async () => {
    const database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 3, onnotice: () => {} })
    await loadDeployment(sql)
    const server = await startServer({ ...database.env, SINGLE_USER_API_KEY: key })
    await server.prepared
    url = server.url
    stop = async () => {
      await server.stop()
      await sql.end()
      await database.drop()
    }
  })
  afterAll(() => stop())

  const send = (method: string, path: string, body?: unknown) =>
    call({ url, method, path, ...(body !== undefined && { body }), headers: { 'x-api-key': key } })
  const post = (path: string, body: unknown) => send('POST', path, body)
  const worker = workerOf(post)
  const Queue = z.object({ domain: z.string(), queue: z.string() })

  /** The ids that its own workers would pick next, in their order. */
  const next = async ({ domain, queue }: z.output<typeof Queue>) =>
    (
      await sql<{ id: number }[]>`
        select id::int from jobs
        where domain = ${domain} and queue = ${queue} and status = 'queued' and coalesce(available_at, created_at) <= now()
          and not exists (
            select from job_dependencies edge join jobs needed on needed.uuid = edge.depends_on_job_uuid
            where edge.job_uuid = jobs.uuid and needed.status <> 'completed'
          )
        order by priority, coalesce(available_at, created_at), id`
    ).map(({ id }) => id)
  const queues = async (stopped: boolean) =>
    z.array(Queue).parse([
      ...(await sql`
        select domain, queue from jobs
        where status = 'queued' and exists (
          select from job_queue_controls c where c.domain = jobs.domain and c.queue = jobs.queue and (paused or drain)
        ) = ${stopped}
        group by 1, 2`),
    ])

  it('lists the queues that are stopped, and gives no lease there', async () => {
    const listed = stoppedQueues.output.parse((await send('GET', jobPaths.queues)).body)
    expect(listed.map(({ domain, queue, paused, drain }) => ({ domain, queue, paused, drain }))).toEqual([
      { domain: 'connectors', queue: 'default', paused: true, drain: true },
      { domain: 'media_ingest', queue: 'low', paused: true, drain: false },
    ])
    const [{ before } = { before: '' }] =
      await sql`select md5(string_agg(j::text, '' order by id)) as before from jobs j`
    for (const queue of listed)
      expect(await worker.lease({ domain: queue.domain, queue: queue.queue, limit: 100 })).toEqual([])
    expect((await post(jobPaths.enqueue, newJob({ domain: 'connectors' }))).status).toBe(409)
    expect([...(await sql`select md5(string_agg(j::text, '' order by id)) as before from jobs j`)]).toEqual([
      { before },
    ])
  })

  it('leases its jobs in the order of its own workers, and finishes them in every way', async () => {
    const running = await queues(false)
    expect(running.length).toBeGreaterThan(0)
    for (const queue of running) {
      await worker
        .lease({ ...queue, worker_id: 'warm-up', limit: 100 })
        .then((jobs) => Promise.all(jobs.map((job) => worker.release(job))))
      const ids = await next(queue)
      const jobs = await worker.lease({ ...queue, limit: 4 })
      expect(jobs.map(({ id }) => id)).toEqual(ids.slice(0, 4))
      const [first, second, third, fourth] = jobs
      if (first)
        expect(await worker.complete(first, { result: { ok: 1 }, completion_token: 't' })).toMatchObject({
          status: 'completed',
        })
      if (first) expect(await worker.complete(first, { completion_token: 't' })).toMatchObject({ status: 'completed' })
      if (second) expect((await worker.fail(second, { error_code: 'c' })).retry_count).toBeGreaterThanOrEqual(0)
      if (third) expect(await worker.renew(third)).toMatchObject({ cancel_requested: false })
      if (third) expect(await worker.release(third)).toMatchObject({ status: 'queued' })
      if (fourth) expect(await worker.cancel(fourth.id, { force: true })).toMatchObject({ status: 'cancelled' })
    }
  })

  it('takes new jobs in beside them, with ids that go on', async () => {
    const [{ last } = { last: 0 }] = await sql<{ last: number }[]>`select max(id)::int as last from jobs`
    const made = await worker.enqueue({ domain: 'new', idempotency_key: 'k' })
    expect(made.id).toBeGreaterThan(last)
    expect(await worker.enqueue({ domain: 'new', idempotency_key: 'k' })).toMatchObject({ id: made.id, created: false })
    expect(await worker.take({ domain: 'new' })).toMatchObject({ id: made.id })
  })

  it('tells its events and ours in one order', async () => {
    const readIds: number[] = []
    for (let page = 1; page > 0; ) {
      const { body } = await send('GET', `${jobPaths.events}?limit=1000&after_id=${readIds.at(-1) ?? 0}`)
      const batch = events.output.parse(body)
      readIds.push(...batch.map(({ id }) => id))
      page = batch.length
    }
    const ids = await sql<{ id: number }[]>`select id::int from job_events order by id`
    expect(readIds).toEqual(ids.map(({ id }) => id))
  })
})

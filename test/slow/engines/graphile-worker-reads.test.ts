import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { emptyDatabase } from '../../support/database/database.ts'
import {
  addJobs,
  dead,
  fillGraphileWorker,
  makeGraphileWorker,
  oddQueues,
} from '../../support/engines/graphile-worker.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const schema = `Worker "of" O'Brien`

describe('the jobs of graphile-worker', () => {
  let served: ServedTables
  let sql: postgres.Sql
  const table = () => sql(`${schema}._private_jobs`)
  beforeAll(async () => {
    served = await serveTables(
      async (made) => {
        sql = made
        await makeGraphileWorker({ sql, schema })
        await fillGraphileWorker({ sql, schema })
      },
      { env: { JOBS_METRICS: 'on' } },
    )
  })
  afterAll(() => served.close())

  const get = (path: string, query?: Record<string, string>) => served.get(path, query)
  const jobsctl = (...argv: string[]) => served.jobsctl(...argv)
  const jobs = () => sql<
    { id: number; queue: string | null; task: string; locked_at: Date | null; attempts: number; max_attempts: number }[]
  >`
    select j.id::int, queue_name as queue, identifier as task, j.locked_at, attempts, max_attempts
    from ${table()} as j
    join ${sql(`${schema}._private_tasks`)} as t on t.id = task_id
    left join ${sql(`${schema}._private_job_queues`)} as q on q.id = job_queue_id`
  const isDead = (job: { locked_at: Date | null; attempts: number; max_attempts: number }) =>
    job.locked_at === null && job.attempts >= job.max_attempts

  it('are counted by queue and task, in which failed ones are dead', async () => {
    const none = { queued: 0, scheduled: 0, processing: 0, quarantined: 0, failed: 0 }
    const group = (queue: string, job_type: string, counts: object) => ({
      ...{ domain: schema, queue, job_type },
      ...none,
      ...counts,
    })
    const odd = `t'a"s/k`
    const expected = [
      group('_', 'mail', { queued: 12, scheduled: 9, processing: 3, failed: 10 }),
      group('__', odd, { queued: 2, failed: 2 }),
      group(oddQueues.odd, odd, { queued: 2, failed: 2 }),
      group(oddQueues.long, 'sync', { processing: 1 }),
      group(oddQueues.long, odd, { queued: 2, failed: 2 }),
    ]
    expect(await get('/api/v1/jobs/stats')).toMatchObject({ status: 200, body: expected })
    expect((await get('/api/v1/jobs/stats', { queue: '_' })).body).toEqual([
      { ...expected[0], as_of: expect.stringMatching(/Z$/) },
    ])
    expect((await get('/api/v1/jobs/stats', { domain: 'graphile_worker' })).body).toEqual([])
  })

  const idsOf = async (query: Record<string, string>) => {
    const ids: string[] = []
    let path = `/api/v1/jobs/list?${new URLSearchParams(query)}`
    for (;;) {
      const { status, body, headers } = await get(path)
      expect({ status, complete: headers['x-complete'] }).toEqual({ status: 200, complete: 'true' })
      ids.push(...Ids.parse(body).map(({ id }) => id))
      const next = /<\?([^>]*)>; rel="next"/.exec(headers.link ?? '')?.[1]
      if (next === undefined) return ids
      path = `/api/v1/jobs/list?${next}`
    }
  }

  it.each([
    [{ sort_by: 'created_at' }],
    [{ sort_by: 'ended_at', sort_order: 'asc' }],
    [{ sort_by: 'priority' }],
    [{ sort_by: 'status', sort_order: 'asc' }],
  ])('are listed once each, page after page: %o', async (query) => {
    const ids = await idsOf({ ...query, limit: '7' })
    expect(ids.toSorted()).toEqual((await jobs()).map(keyOf).toSorted())
  })

  it('are listed by state, queue, task and error', async () => {
    const all = await jobs()
    const keysWhere = (is: (job: (typeof all)[number]) => boolean) => all.filter(is).map(keyOf).toSorted()
    const listed = async (query: Record<string, string>) => (await idsOf({ ...query, limit: '3' })).toSorted()
    expect(await listed({ status: 'failed' })).toEqual(keysWhere(isDead))
    expect(await listed({ status: 'processing' })).toEqual(keysWhere(({ locked_at }) => locked_at !== null))
    expect(await listed({ status: 'queued,failed' })).toEqual(keysWhere(({ locked_at }) => locked_at === null))
    expect(await listed({ status: 'failed,completed' })).toEqual(keysWhere(isDead))
    expect(await listed({ queue: '_', status: 'failed' })).toEqual(
      keysWhere((job) => isDead(job) && job.queue === null),
    )
    expect(await listed({ job_type: 'sync' })).toEqual(keysWhere(({ task }) => task === 'sync'))
    expect(await listed({ error: 'from 10.0.0.4' })).toHaveLength(2)
    expect(await listed({ stale: 'true' })).toHaveLength(3)
    expect(await listed({ worker_id: 'pool-new' })).toHaveLength(1)
  })

  it('are not completed or cancelled, which is said and not counted as none', async () => {
    for (const status of ['completed', 'cancelled', 'completed,cancelled'])
      expect(await get('/api/v1/jobs/list', { status })).toMatchObject({
        status: 422,
        body: { code: 'not_supported', detail: expect.stringContaining('it deletes a job when it is completed') },
      })
    const { code, out, err } = await jobsctl('list', '--status', 'completed')
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain('jobsctl list --status failed')
    expect((await get('/api/v1/jobs/workers')).body).toMatchObject([
      { worker_id: 'pool-old', leases: 3, expired: 3, done_15m: null, failed_15m: null, queues: [{ queue: '_' }] },
      { worker_id: 'pool-new', leases: 1, expired: 0, queues: [{ queue: oddQueues.long }] },
    ])
  })

  it('are shown by their key, and by their number alone', async () => {
    for (const queue of [...Object.values(oddQueues), null]) {
      const job = (await jobs()).find((one) => one.queue === queue && isDead(one))
      if (!job) throw new Error('there is no such job')
      const shown = {
        ...{ id: keyOf(job), domain: schema, job_type: job.task, status: 'failed', retry_count: 3, max_retries: 3 },
        ...{ error_message: expect.stringMatching(/^no answer from /), archived: false },
      }
      for (const key of [keyOf(job), String(job.id)])
        expect(await get('/api/v1/jobs/job', { key })).toMatchObject({ status: 200, body: shown })
      expect((await jobsctl('show', String(job.id), '--json')).code).toBe(0)
    }
    const [first] = (await jobs()).filter(({ queue }) => queue === null)
    for (const key of ['999999', `mail/${first?.id}`, 'mail/x', `_/0${first?.id}`, `_/${'9'.repeat(30)}`])
      expect([key, (await get('/api/v1/jobs/job', { key })).status]).toEqual([key, 404])
  })

  it('have ended when their worker has failed them, or somebody has', async () => {
    const endOf = async (id: number) => {
      const { body } = await get('/api/v1/jobs/job', { key: String(id) })
      return Date.parse(z.object({ completed_at: z.string() }).parse(body).completed_at)
    }
    const [job] = (await jobs()).filter((one) => one.queue === null && isDead(one))
    const id = job?.id ?? 0
    const [row] = await sql<[{ failed: Date }]>`
      select run_at - exp(3) * interval '1 second' as failed from ${table()} where id = ${id}`
    expect(Math.abs((await endOf(id)) - row.failed.getTime())).toBeLessThan(1000)
    await addJobs({ sql, schema }, { task: 'ended by hand', columns: { run_at: `now() + interval '1 day'` } })
    const [made] = await sql<[{ id: number }]>`select max(id)::int as id from ${table()}`
    await sql`select ${sql(schema)}.permanently_fail_jobs(array[${made.id}]::bigint[])`
    const [{ now }] = await sql<[{ now: Date }]>`select now()`
    expect(Math.abs((await endOf(made.id)) - now.getTime())).toBeLessThan(60_000)
    await sql`delete from ${table()} where id = ${made.id}`
  })

  it('have their failures in clusters, whose jobs a list finds again', async () => {
    const { body } = await get('/api/v1/jobs/clusters')
    const { clusters } = Clusters.parse(body)
    expect(clusters.map(({ status, count, pattern }) => [status, count, pattern])).toEqual([
      ['failed', 16, 'no answer from #'],
      ['retrying', 5, 'no answer from #'],
    ])
    for (const { cluster, count } of clusters) expect(await idsOf({ cluster })).toHaveLength(count)
  })

  const reasonsOf = async (path: string, query: Record<string, string>) => {
    const { status, body } = await get(path, query)
    expect(status).toBe(200)
    return Explained.parse(body)
  }
  const explained = async (key: string) => reasonsOf('/api/v1/jobs/job/explain', { key })
  const codes = ({ reasons }: { reasons: { code: string }[] }) => reasons.map(({ code }) => code)

  it('explain that their queue is locked, and by whom', async () => {
    const waits = (await jobs()).find((job) => job.queue === oddQueues.long && job.locked_at === null && !isDead(job))
    const running = (await jobs()).find(({ task }) => task === 'sync')
    const { reasons } = await explained(keyOf(waits ?? { id: 0, queue: null }))
    expect(reasons).toMatchObject([{ code: 'queue_locked', sentence: expect.stringContaining(`by pool-new`) }])
    expect(reasons[0]?.sentence).toContain(`which runs job ${running?.id}`)
    const queue = await reasonsOf('/api/v1/jobs/queues/explain', { domain: schema, queue: oddQueues.long })
    expect(codes(queue)).toContain('queue_locked')
    expect(codes(await explained(String(running?.id)))).toEqual(['leased'])
  })

  it('explain that nobody has taken them, and that workers pass them over', async () => {
    const [first] = await sql<[{ id: number }]>`
      select id::int from ${table()} where is_available and job_queue_id is null and run_at < now() - interval '5 minutes'
      order by priority desc, run_at desc limit 1`
    expect(codes(await explained(String(first.id)))).toEqual(['no_worker'])
    const queue = await reasonsOf('/api/v1/jobs/queues/explain', { domain: schema, queue: '_' })
    expect(codes(queue)).toEqual(['no_worker'])
    await addJobs(
      { sql, schema },
      {
        task: 'other',
        columns: { ...{ priority: '9', attempts: '1', run_at: 'now()' }, ...{ locked_at: 'now()', locked_by: `'p'` } },
      },
    )
    await sql`update ${table()} set updated_at = now() - interval '1 hour' where id = ${first.id}`
    try {
      const { reasons, place } = await explained(String(first.id))
      expect(reasons).toMatchObject([{ code: 'passed_over', sentence: expect.stringContaining('the task mail') }])
      expect(place?.ahead).toBeGreaterThan(3)
    } finally {
      await sql`delete from ${table()} where priority = 9`
    }
    const [ended] = (await jobs()).filter(isDead)
    expect(codes(await explained(String(ended?.id)))).toContain('retries_used_up')
  })

  it('are explained by jobsctl, whose operand is a key or a queue', async () => {
    const job = (await jobs()).find((one) => one.queue === oddQueues.under && !isDead(one))
    expect((await jobsctl('explain', keyOf(job ?? { id: 0, queue: null }), '--json')).out).toContain(
      '"status":"queued"',
    )
    expect((await jobsctl('explain', `${schema}/_`, '--json')).out).toContain('"due":12')
    expect((await jobsctl('explain', `_/123456789`)).err).toContain('there was never a job in _/123456789')
  })

  it('are checked for locks that nobody holds', async () => {
    await addJobs({ sql, schema }, { task: 'mail', queue: 'hung', count: 2 })
    await sql`update ${sql(`${schema}._private_job_queues`)} set locked_at = now(), locked_by = 'pool-dead' where queue_name = 'hung'`
    await sql`insert into ${table()} (task_id) values (9999)`
    try {
      const headers = { 'x-api-key': 'key' }
      const { body } = await call({
        url: served.url,
        method: 'POST',
        path: '/api/v1/jobs/integrity/sweep',
        headers,
        body: {},
      })
      expect(body).toMatchObject({
        processing_expired: 3,
        checks: [
          { check: 'expired', jobs: 3, instead: expect.stringContaining('--fix frees') },
          {
            check: 'queue_locked',
            jobs: 2,
            instead: expect.stringContaining('force_unlock_workers'),
            ids: expect.arrayContaining([expect.stringMatching(/^hung\//)]),
          },
          { check: 'task_gone', jobs: 1 },
        ],
      })
      const fix = await call({
        url: served.url,
        method: 'POST',
        path: '/api/v1/jobs/integrity/sweep',
        headers,
        body: { fix: true },
      })
      expect(fix).toMatchObject({ status: 403, body: { code: 'records_missing' } })
    } finally {
      await sql`delete from ${table()} where task_id = 9999 or job_queue_id = (select id from ${sql(`${schema}._private_job_queues`)} where queue_name = 'hung')`
    }
  })

  it('are counted by metrics', async () => {
    const { status, body } = await get('/metrics/jobs')
    expect(status).toBe(200)
    expect(body).toMatch(/queue="_"[^\n]* 12\n/)
    expect(body).toMatch(/jobsctl_oldest_ready_age_seconds\{[^}]*queue="_"\} \d{3}/)
  })
})

describe('tables of a release that was not tried', () => {
  it.each([
    [18, '0.16 (schema 18)'],
    [21, 'newer than 0.18 (schema 21)'],
  ])('with migration %i are looked at, and changed by nothing', async (migration, version) => {
    const database = await emptyDatabase()
    const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    try {
      await makeGraphileWorker({ sql, migration })
      await addJobs({ sql }, { task: 'mail', count: 3, columns: dead })
      await sql`create schema app`
      await sql`create table app.email_jobs (id bigserial primary key, kind text, status text, attempts int, locked_at timestamptz, payload jsonb, created_at timestamptz)`
      expect(await runServer(['migrate', '--engine', 'graphile-worker'], database.env)).toMatchObject({ code: 0 })
      const server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key' })
      await server.prepared
      const jobsctl = (...argv: string[]) =>
        runJobsctl(argv, { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' } })
      const before = await sql`select * from graphile_worker._private_jobs order by id`
      expect(JSON.parse((await jobsctl('stats', '--json')).out)).toMatchObject([
        { queue: '_', failed: 3, as_of: expect.stringMatching(/^\d{4}-.*Z$/) },
      ])
      expect((await jobsctl('stats', '--output', 'table')).err).toMatch(/3 failed, read at \d{4}-/)
      const refused = `graphile-worker ${version} in graphile_worker is only looked at: changes are tested with schema 20`
      expect((await jobsctl('doctor')).out).toContain('app.email_jobs looks like a queue: jobs-server init --detect')
      expect((await jobsctl('doctor')).out).toContain(
        'tested for reading with schema 20, and for changes with schema 20',
      )
      const retried = await jobsctl('retry', '--domain', 'graphile_worker', '--yes')
      expect(retried).toMatchObject({ code: 2, err: expect.stringContaining(refused) })
      expect(await sql`select * from graphile_worker._private_jobs order by id`).toEqual(before)
      await server.stop()
    } finally {
      await sql.end()
      await database.drop()
    }
  })
})

describe('a role from which row-level security hides the jobs', () => {
  it('is told so at the start, and the owner looks', async () => {
    const database = await emptyDatabase()
    const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    const role = `reader_${Math.random().toString(36).slice(2)}`
    try {
      await makeGraphileWorker({ sql })
      await sql.unsafe(`create role ${role} login; grant usage on schema graphile_worker to ${role};
        grant select on all tables in schema graphile_worker to ${role}`)
      const url = new URL(database.env.JOBS_DB_URL ?? '')
      url.username = role
      const refused = await runServer([], { ...database.env, JOBS_DB_URL: url.href, PORT: '0' })
      expect(refused).toMatchObject({ code: 2 })
      expect(refused.err).toContain('row-level security hides the jobs of graphile-worker in graphile_worker')
      expect(refused.err).toContain(`alter role ${role} bypassrls`)
      const { out } = await runServer(['grants', '--look', '--role', role], { ...database.env })
      await sql.unsafe(out)
      const server = await startServer({ ...database.env, JOBS_DB_URL: url.href, SINGLE_USER_API_KEY: 'key' })
      await server.prepared
      await server.stop()
    } finally {
      await sql.unsafe(`drop owned by ${role}; drop role ${role}`)
      await sql.end()
      await database.drop()
    }
  })
})

const Ids = z.array(z.object({ id: z.string() }))

const Clusters = z.object({
  clusters: z.array(z.object({ cluster: z.string(), status: z.string(), count: z.number(), pattern: z.string() })),
})

const Explained = z.looseObject({
  reasons: z.array(z.object({ code: z.string(), sentence: z.string() })),
  place: z.looseObject({ ahead: z.number() }).nullish(),
})

/** The key of a job, written down apart from the code that makes it. */
const keyOf = ({ queue, id }: { queue: string | null; id: number }): string => {
  if (queue === null) return `_/${id}`
  const name = queue === '_' ? '__' : queue
  return `${name.replaceAll('%', '%25').replaceAll('/', '%2F').replaceAll('\u0007', '%07')}/${id}`
}

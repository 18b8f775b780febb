import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, prune } from '../../support/changes/bulk-tools.ts'
import { kinds, newDatabase } from '../../support/database/database.ts'
import { recordStatements } from '../../support/fakes/recorded-statements.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { spawnServer } from '../../support/programs/spawn-server.ts'
import { jobPaths, newJob, workerOf } from '../../support/worker.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const trace = '0af7651916cd43dd8448eb211c80319c'
const span = 'b7ad6b7169203331'
const traceparent = `00-${trace}-${span}-01`

describe.each(kinds)('the trace of an enqueue on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind)
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())

  it('is kept with each job, handed to the worker, and in the events of the job', async () => {
    const jobs = [newJob(), newJob()]
    const enqueued = await world.post(jobPaths.batch, { jobs }, { traceparent })
    expect(enqueued.body).toMatchObject({ jobs: [{ trace_id: trace }, { trace_id: trace }] })
    const job = await worker.take()
    expect(job).toMatchObject({ trace_id: trace, traceparent })
    const traces = await world.sql`
      select event_type, count(*)::int as count from job_events where trace_id = ${trace}::text group by 1 order by 1`
    expect(traces).toEqual([
      { event_type: 'job.acquired', count: 1 },
      { event_type: 'job.created', count: 2 },
    ])
  })

  it('is nothing without a header, and with one that the standard calls invalid', async () => {
    const invalid = [
      '',
      trace,
      `00-${'0'.repeat(32)}-${span}-01`,
      `00-${trace}-${'0'.repeat(16)}-01`,
      `ff-${trace}-${span}-01`,
      `00-${trace.toUpperCase()}-${span}-01`,
      `00-${trace}-${span}-0`,
      `00-${trace}-${span}-01x`,
      `00-${trace}-${span}-01-more`,
      `00-${trace}'; drop table jobs--${span}-01`,
    ]
    const asked = invalid.map((traceparent) => world.post(jobPaths.enqueue, newJob(), { traceparent }))
    for (const { status, body } of await Promise.all(asked))
      expect({ status, body }).toMatchObject({ status: 201, body: { trace_id: null } })
    const later = await world.post(jobPaths.enqueue, newJob(), { traceparent: `01-${trace}-${span}-01-more` })
    expect(later.body).toMatchObject({ trace_id: trace })
  })

  it('goes to the worker with the span and the flags of who enqueued, in each form of the call', async () => {
    await world.clear()
    const unsampled = `00-${trace}-${span}-00`
    const later = `01-${trace}-${span}-01-more`
    await world.post(jobPaths.enqueue, newJob({ idempotency_key: 'once' }), { traceparent: unsampled })
    await world.post(jobPaths.enqueue, newJob({ idempotency_key: 'once' }), { traceparent })
    await world.post(jobPaths.enqueue, newJob(), { traceparent: later, prefer: 'return=minimal' })
    await world.post(jobPaths.batch, { jobs: [newJob()] })
    const asked = { domain: newJob().domain, worker_id: 'w' }
    const whole = Object(await world.post(jobPaths.acquire, asked)).body.jobs
    const minimal = Object(await world.post(jobPaths.acquire, { ...asked, limit: 2 }, { prefer: 'return=minimal' }))
      .body.jobs
    expect([...whole, ...minimal].map((job: { traceparent: unknown }) => job.traceparent)).toEqual([
      unsampled,
      traceparent,
      null,
    ])
  })

  it('is the id alone where the table has no column for the span', async () => {
    await world.clear()
    await world.sql`alter table jobs drop column traceparent`
    await world.sql`alter table jobs_archive drop column traceparent`
    try {
      for (const jobs of [[newJob()], [newJob(), newJob({ idempotency_key: 'two' })]])
        expect(await world.post(jobPaths.batch, { jobs }, { traceparent })).toMatchObject({ status: 201 })
      expect(await worker.take()).toMatchObject({ trace_id: trace, traceparent: null })
    } finally {
      await world.sql`alter table jobs add column traceparent text`
      await world.sql`alter table jobs_archive add column traceparent text`
    }
  })
})

describe('a table without a column for the span', () => {
  it('is asked for the column by the first enqueue, and not by those that follow', async () => {
    const database = await newDatabase('postgres')
    const recorder = await recordStatements(database.env.JOBS_DB_URL ?? '')
    const world = await openWorld(
      'postgres',
      {},
      Promise.resolve({ ...database, env: { ...database.env, JOBS_DB_URL: recorder.url } }),
    )
    try {
      await world.sql`alter table jobs drop column traceparent`
      await world.sql`alter table jobs_archive drop column traceparent`
      const named = async (idempotency_key?: string) => {
        recorder.clear()
        const { status } = await world.post(jobPaths.enqueue, newJob({ idempotency_key }), { traceparent })
        expect(status).toBe(201)
        return recorder.statements().filter((text) => /insert into \S*jobs \([^)]*traceparent/.test(text)).length
      }
      expect([await named(), await named(), await named('key')]).toEqual([1, 0, 0])
    } finally {
      await world.stop()
      await recorder.stop()
    }
  })
})

describe('the line of a request in the log', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres', { JOBS_TRUSTED_PROXIES: '127.0.0.1', JOBS_METRICS: 'on' })
  })
  afterAll(() => world?.stop())

  const lineOf = async (requestId: string) => {
    const line = await until('the request is logged', () => world.log.find((line) => line.includes(requestId)))
    return JSON.parse(line ?? '{}')
  }

  it('has the trace, the caller, its address, and the operation that it ran', async () => {
    await world.jobs(3)
    const headers = { traceparent, 'x-request-id': 'case-1', 'x-forwarded-for': '192.0.2.7' }
    const { operation_id } = Object((await ask(world, prune, {}, headers)).body)
    expect(operation_id).toEqual(expect.any(Number))
    expect(await lineOf('case-1')).toMatchObject({
      ...{ trace_id: trace, caller: 'single-user', address: '192.0.2.7', operation: operation_id, rows: 3 },
    })
    await world.call('GET', paths.stats, undefined, { 'x-request-id': 'case-2' })
    expect(await lineOf('case-2')).not.toHaveProperty('operation')
  })

  it('is not there for probes and scrapes that succeed, and is for those that fail', async () => {
    const read = async (path: string, id: string, key = world.key) =>
      (await world.call('GET', path, undefined, { 'x-request-id': id, 'x-api-key': key })).status
    for (const path of ['/readyz', '/metrics', '/metrics/jobs'])
      expect(await read(path, `regular${path}`), path).toBe(200)
    expect(await read('/metrics', 'refused', 'wrong')).toBe(401)
    expect(await lineOf('refused')).toMatchObject({ route: '/metrics', status: 401 })
    expect(world.log.filter((line) => line.includes('regular'))).toEqual([])
  })
})

describe('a server with an SDK of OpenTelemetry', () => {
  it('responds and goes on where a processor of spans throws', async () => {
    const database = await newDatabase('postgres')
    const sdk = new URL('../../support/programs/throwing-span-processor.mjs', import.meta.url).href
    const server = await spawnServer({ ...database.env, SINGLE_USER_API_KEY: 'k', NODE_OPTIONS: `--import=${sdk}` })
    try {
      const thrown = () => server.output.err.split('the processor throws').length - 1
      for (const least of [1, 2]) {
        expect(await call({ url: server.url, method: 'GET', path: '/openapi.json' })).toMatchObject({ status: 200 })
        await until('the span has ended', () => thrown() >= least)
      }
    } finally {
      await server.kill()
      await database.drop()
    }
  })

  it('makes a span of each request as a child of the caller’s, and its trace goes on with the job', async () => {
    const database = await newDatabase('postgres')
    const sdk = new URL('../../support/programs/span-printer.mjs', import.meta.url).href
    const env = { ...database.env, SINGLE_USER_API_KEY: 'k', NODE_OPTIONS: `--import=${sdk}` }
    const server = await spawnServer(env)
    try {
      const spans = () =>
        server.output.err
          .split('\n')
          .filter((line) => line.startsWith('{"span":'))
          .map((line) => JSON.parse(line).span)
      const ask = (headers: Record<string, string>) =>
        call({ url: server.url, method: 'POST', path: jobPaths.enqueue, body: newJob(), headers })
      await until('the server is ready', async () => (await ask({ 'x-api-key': 'k' })).status === 201)
      const asked = performance.now()
      await ask({ 'x-api-key': 'k', traceparent })
      const tookMs = performance.now() - asked
      const ofCaller = await until('the span is printed', () => spans().find(({ traceId }) => traceId === trace))
      expect(ofCaller).toMatchObject({
        ...{ name: 'POST /api/v1/jobs', parent: span, kind: 1 },
        attributes: { 'http.request.method': 'POST', 'http.route': '/api/v1/jobs', 'http.response.status_code': 201 },
      })
      const [seconds, nanoseconds] = ofCaller.duration
      expect(seconds * 1000 + nanoseconds / 1e6).toSatisfy((ms: number) => ms > 0 && ms < tookMs)
      const { body } = await ask({ 'x-api-key': 'k' })
      const own = await until('its own trace is printed', () =>
        spans().find(({ traceId }) => traceId === Object(body).trace_id),
      )
      expect(own).toMatchObject({ parent: null })
      for (const path of ['/openapi.json', '/readyz']) {
        await call({ url: server.url, method: 'GET', path })
        await until(`the span of ${path} is printed`, () =>
          spans().find(({ name, attributes }) => name === `GET ${path}` && attributes['http.route'] === path),
        )
      }
      await call({ url: server.url, method: 'GET', path: '/nowhere' })
      await until('the span of a path that is none is printed', () => spans().find(({ name }) => name === 'GET /*'))
    } finally {
      await server.kill()
      await database.drop()
    }
  })
})

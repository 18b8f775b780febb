import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { acquire, explainQueue, listOperations, listWorkers } from '../../../shared/endpoints.ts'
import { kinds } from '../../support/database/database.ts'
import { justNow } from '../../support/differences.ts'
import { jobPaths, workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

const queue = { domain: 'chatbooks', queue: 'default' }
const running = { paused: false, drain: false }
const none = { running: null, per_minute: null }

describe.each(kinds)('the throttle of a queue on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind, { JOBS_METRICS: 'on' })
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const throttle = (fields: object) => world.post('/api/v1/jobs/queue/throttle', { ...queue, ...fields })
  const status = async () => (await world.call('GET', `${jobPaths.status}?domain=chatbooks&queue=default`)).body
  const listed = async () => (await world.call('GET', `${jobPaths.queues}?throttles=true`)).body
  const take = async (fields: object = {}) => {
    const { body } = await world.post(jobPaths.acquire, { ...queue, worker_id: 'worker-1', ...fields })
    return acquire.output.parse(body)
  }
  const enqueue = (n: number) => worker.enqueueAll(Array.from({ length: n }, () => ({ ...queue })))
  const sentences = async () => {
    const { body } = await world.call('GET', '/api/v1/jobs/queues/explain?domain=chatbooks&queue=default')
    return explainQueue.output.parse(body).reasons.map(({ sentence }) => sentence)
  }

  it('is set, shown and ended, each time with an event and an act on record that say who, why and what was before', async () => {
    expect(await throttle({ running: 5, reason: 'the provider refuses us' })).toMatchObject({
      status: 200,
      body: { running: 5, per_minute: null, known: false, before: none },
    })
    expect(await status()).toEqual({ ...running, throttle: { running: 5, per_minute: null } })
    expect(await sentences()).toContain('no job waits or runs')
    expect(await listed()).toMatchObject([{ ...queue, ...running, throttle: { running: 5, per_minute: null } }])
    expect((await world.call('GET', jobPaths.queues)).body).toEqual([])
    expect((await throttle({ per_minute: 60 })).body).toMatchObject({ running: 5, per_minute: 60, known: true })
    expect((await throttle(none)).body).toMatchObject({ ...none, before: { running: 5, per_minute: 60 } })
    expect(await status()).toEqual(running)
    expect(await listed()).toEqual([])
    expect(await world.events()).toMatchObject([
      {
        ...{ event_type: 'queue.throttle_set', ...queue },
        attrs_json: {
          ...{ caller: 'single-user', reason: 'the provider refuses us' },
          ...{ throttle: { running: 5, per_minute: null }, before: none },
        },
      },
      { attrs_json: { throttle: { running: 5, per_minute: 60 } } },
      { attrs_json: { throttle: none, before: { running: 5, per_minute: 60 } } },
    ])
    const { body } = await world.call('GET', '/api/v1/jobs/operations?kind=acts')
    expect(listOperations.output.parse(body).at(-1)).toMatchObject({
      ...{ kind: 'queue.throttle_set', domain: 'chatbooks', queue: 'default', reason: 'the provider refuses us' },
      filters: { after: { running: 5, per_minute: null }, before: none },
    })
    expect((await world.call('GET', '/api/v1/jobs/operations/verify')).body).toMatchObject({ ok: true, operations: 3 })
  })

  it('writes nothing where nothing changes, nor with must_exist for a queue that is not known', async () => {
    expect(await throttle({ running: 4, must_exist: true })).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect((await throttle(none)).status).toBe(200)
    expect(await world.events()).toEqual([])
    await throttle({ running: 4 })
    await throttle({ running: 4 })
    expect(await world.events()).toHaveLength(1)
    expect((await throttle({ running: 6, must_exist: true })).status).toBe(200)
  })

  it.each([
    [{}, 'running', 'is required where per_minute is left out; null for both ends the throttle'],
    [{ running: 0 }, 'running', 'must be at least 1'],
    [{ running: 10_001 }, 'running', 'must be at most 10000'],
    [{ per_minute: 1.5 }, 'per_minute', 'must be a whole number'],
  ])('refuses %s, and changes nothing', async (fields, path, message) => {
    expect(await throttle(fields)).toMatchObject({ status: 422, body: { errors: [{ path, message }] } })
    expect(await world.events()).toEqual([])
  })

  it('is refused beside a server of an earlier version, which would not keep to it', async () => {
    await world.sql`insert into jobsctl_servers (name, settings) values ('old-1', '{}')`
    expect(await throttle({ running: 5 })).toMatchObject({
      status: 409,
      body: { code: 'conflict', detail: expect.stringContaining('the server old-1 of an earlier version') },
    })
    expect(await listed()).toEqual([])
    await world.sql`delete from jobsctl_servers where name = 'old-1'`
    expect((await throttle({ running: 5 })).status).toBe(200)
  })

  it('gives as many jobs as have a place, says so, and gives the next one when a place comes free', async () => {
    await enqueue(20)
    await throttle({ running: 5 })
    const three = await take({ limit: 3 })
    expect(three).toMatchObject({ jobs: [{}, {}, {}] })
    expect(three.limited).toBeUndefined()
    const two = await take({ limit: 10 })
    expect(two).toMatchObject({
      jobs: [{}, {}],
      limited: { running: 5, of: 5, others: 0, per_minute: null, retry_in_seconds: 0 },
    })
    expect(await take()).toMatchObject({ jobs: [], limited: { running: 5, of: 5 } })
    const waiting = take({ wait_seconds: 30 })
    const [first] = three.jobs
    if (first) await worker.complete(first)
    expect((await waiting).jobs).toHaveLength(1)
    await throttle({ running: 7 })
    expect((await take({ limit: 10 })).jobs).toHaveLength(2)
    await throttle(none)
    const rest = await take({ limit: 10 })
    expect(rest.jobs).toHaveLength(10)
    expect(rest.limited).toBeUndefined()
  })

  it('holds for calls that come together, which share a statement', async () => {
    await enqueue(20)
    await throttle({ running: 5 })
    const answers = await Promise.all(Array.from({ length: 16 }, (_, n) => take({ worker_id: `worker-${n}` })))
    expect(answers.filter(({ jobs }) => jobs.length === 1)).toHaveLength(5)
    expect(answers.every(({ jobs, limited }) => (jobs.length === 1) !== (limited?.of === 5))).toBe(true)
    const [{ count = 0 } = {}] = await world.sql<{ count: number }[]>`
      select count(*) from jobs where status = 'processing'`
    expect(count).toBe(5)
  })

  it('counts jobs that workers in plain SQL run, and says how many these are', async () => {
    await enqueue(5)
    await throttle({ running: 3 })
    await world.sql`
      update jobs
      set status = 'processing', worker_id = 'plain-1', lease_id = 'theirs', leased_until = now() + interval '1 hour', acquired_at = now()
      where id in (select id from jobs order by id limit 2)`
    expect(await take({ limit: 5 })).toMatchObject({ jobs: [{}], limited: { running: 3, of: 3, others: 2 } })
  })

  it('takes back expired leases before it counts', async () => {
    await enqueue(3)
    await throttle({ running: 1 })
    await take()
    await world.sql`update jobs set leased_until = now() - interval '1 second' where status = 'processing'`
    expect((await take()).jobs).toHaveLength(1)
    expect((await take()).jobs).toEqual([])
  })

  it('lets jobs begin evenly spaced by per_minute, whatever the clock does', async () => {
    await enqueue(5)
    await throttle({ per_minute: 2 })
    const first = await take({ limit: 3 })
    expect(first.jobs).toHaveLength(1)
    expect(first.limited).toMatchObject({ running: null, of: null, others: null, per_minute: 2 })
    // The job that began just now is one of the two of this minute.
    expect(first.limited?.retry_in_seconds).toBeCloseTo(30)
    const { jobs, limited } = await take()
    expect(jobs).toEqual([])
    expect(limited?.retry_in_seconds).toBeGreaterThan(0)
    expect(limited?.retry_in_seconds).toBeLessThanOrEqual(30)
    // As after a clock that was set back by an hour.
    await world.sql`update jobsctl_limits set next_at = now() + interval '1 hour'`
    expect((await take()).limited?.retry_in_seconds).toBe(30)
    await world.sql`update jobsctl_limits set next_at = now() + interval '300 milliseconds'`
    expect((await take({ wait_seconds: 20 })).jobs).toHaveLength(1)
  })

  it('is not said to hold jobs for leases that have expired, which the next call takes back', async () => {
    await enqueue(3)
    await throttle({ running: 2 })
    await take({ limit: 2 })
    await world.sql`update jobs set leased_until = now() - interval '1 minute' where status = 'processing'`
    expect((await sentences()).filter((sentence) => sentence.includes('throttled'))).toEqual([])
    expect((await take({ limit: 1 })).jobs).toHaveLength(1)
    await throttle({ running: 1 })
    expect(await sentences()).toContainEqual(expect.stringContaining('is throttled: 1 of 1 are running since '))
  })

  it('is what explain, metrics and workers say', async () => {
    await enqueue(3)
    await throttle({ running: 2, reason: 'the provider refuses us' })
    expect((await sentences()).filter((sentence) => sentence.includes('throttled'))).toEqual([])
    await take({ limit: 3 })
    expect(await sentences()).toContainEqual(
      expect.stringMatching(
        /^chatbooks\/default is throttled: 2 of 2 are running since .* by single-user \("the provider refuses us"\)$/,
      ),
    )
    await throttle({ running: 1 })
    expect(await sentences()).toContainEqual(
      expect.stringContaining('is throttled: 2 are running, and at most 1 may since '),
    )
    await throttle({ running: 2 })
    const { body } = await world.call('GET', '/api/v1/jobs/workers')
    expect(listWorkers.output.parse(body)).toMatchObject([
      {
        worker_id: 'worker-1',
        oldest_lease_at: justNow,
        queues: [{ ...queue, throttle: { running: 2, per_minute: null } }],
      },
    ])
    const { body: metrics } = await world.call('GET', '/metrics/jobs')
    expect(metrics).toContain('jobsctl_queue_throttle{domain="chatbooks",queue="default",limit="running"} 2')
  })
})

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds, newDatabase } from '../../../support/database/database.ts'
import { hold, quickest, settled } from '../../../support/held-call.ts'
import { until } from '../../../support/poll.ts'
import { longShutdown, spawnServer } from '../../../support/programs/spawn-server.ts'
import { jobPaths, workerOf } from '../../../support/worker.ts'
import { openWorld, type World } from '../../../support/world.ts'

describe.each(kinds)('a call that waits for work on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind)
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const control = (action: string) => world.post(jobPaths.control, { domain: 'chatbooks', queue: 'default', action })

  /** How long after `wake` a waiting call has its job, in milliseconds; `wake` may return when that can be at the earliest. */
  async function delayAfter(wake: () => Promise<unknown>): Promise<number> {
    const { answer } = hold(world)
    await settled(world)
    const begun = performance.now()
    const due = await wake()
    const got = await answer
    expect(got?.jobs).toMatchObject([{ worker_id: 'waiting', status: 'processing' }])
    await worker.complete(got?.jobs[0] ?? (await worker.take()))
    return (got?.at ?? Number.NaN) - (typeof due === 'number' ? due : begun)
  }

  it('is woken at once by an enqueue', async () => {
    expect(await quickest(() => delayAfter(() => worker.enqueue()))).toBeLessThan(400)
  })

  it('is woken at once by a release', async () => {
    const delay = async () => {
      await worker.enqueue()
      const job = await worker.take()
      return delayAfter(() => worker.release(job))
    }
    expect(await quickest(delay)).toBeLessThan(400)
  })

  it('is woken by a retry that falls due, when it does', async () => {
    const delay = async () => {
      await worker.enqueue()
      const job = await worker.take()
      return delayAfter(async () => {
        const { available_at } = await worker.fail(job, { backoff_seconds: 0.2 })
        return Date.parse(available_at ?? '') - performance.timeOrigin
      })
    }
    const late = await quickest(delay)
    expect(late).toBeLessThan(400)
    expect(late).toBeGreaterThan(-5)
  })

  it('is woken at once by a resume', async () => {
    const delay = async () => {
      await control('pause')
      await worker.enqueue()
      return delayAfter(() => control('resume'))
    }
    expect(await quickest(delay)).toBeLessThan(400)
  })

  it('is woken at once by the completion of what its job needs', async () => {
    const delay = async () => {
      const needed = await worker.enqueue({ queue: 'other' })
      await worker.enqueue({ depends_on: [needed.uuid] })
      const job = await worker.take({ queue: 'other' })
      return delayAfter(() => worker.complete(job))
    }
    expect(await quickest(delay)).toBeLessThan(400)
  })

  it('finds by itself what another program put there without a word', async () => {
    await delayAfter(() => world.jobs(1, { status: 'queued' }))
  })

  it('ends with nothing when its time is up, and not before', async () => {
    // On Node 20 a signal can be forgotten by the garbage collector, and then never ends anything.
    setFlagsFromString('--expose-gc')
    const collect: unknown = runInNewContext('gc')
    const collecting = setInterval(() => typeof collect === 'function' && collect(), 100)
    try {
      const begun = performance.now()
      const calls = [1, 2, 3].map(() => hold(world, { wait_seconds: 1 }).answer)
      for (const answer of await Promise.all(calls)) {
        expect(answer?.jobs).toEqual([])
        expect((answer?.at ?? 0) - begun).toBeGreaterThan(950)
        expect((answer?.at ?? 0) - begun).toBeLessThan(20_000)
      }
    } finally {
      clearInterval(collecting)
    }
  })

  it('is answered at once where there is work already, and where it does not want to wait', async () => {
    await worker.enqueue()
    expect((await hold(world).answer)?.jobs).toHaveLength(1)
    expect((await hold(world, { wait_seconds: 0 }).answer)?.jobs).toEqual([])
  })

  it('gets a job of its own, where many wait: each job goes to one', async () => {
    const calls = Array.from({ length: 30 }, (_, n) => hold(world, { worker_id: `w${n}`, wait_seconds: 15 }).answer)
    await settled(world)
    const made = await worker.enqueueAll(Array.from({ length: 20 }, () => ({})))
    const got = (await Promise.all(calls)).flatMap((answer) => answer?.jobs ?? [])
    expect(got.map(({ id }) => id).sort()).toEqual(made.map(({ id }) => id).sort())
    expect(new Set(got.map(({ worker_id }) => worker_id)).size).toBe(20)
  })

  it('waits for its own kind of work, whatever else comes and is waited for', async () => {
    const picky = hold(world, { job_types: ['render'] })
    const owned = hold(world, { owner_user_id: 'o' })
    await settled(world)
    const other = await worker.enqueue()
    expect(await worker.take()).toMatchObject({ id: other.id })
    const render = await worker.enqueue({ job_type: 'render' })
    expect((await picky.answer)?.jobs).toMatchObject([{ id: render.id }])
    const own = await worker.enqueue({ owner_user_id: 'o' })
    expect((await owned.answer)?.jobs).toMatchObject([{ id: own.id }])
  })

  it.each([{ chunked: false }, { chunked: true }])(
    'takes no job along when its caller hung up while it waited: %j',
    async (how) => {
      const gone = [1, 2].map(() => hold(world, {}, how))
      await settled(world)
      for (const { hangUp } of gone) hangUp()
      await settled(world)
      const made = await worker.enqueue()
      expect(await worker.take({ wait_seconds: 10, worker_id: 'next' })).toMatchObject({ id: made.id, retry_count: 0 })
      const attempts = (await world.steps()).filter(({ event_type }) => event_type === 'job.acquired')
      expect(attempts).toMatchObject([{ attrs_json: { worker_id: 'next' } }])
    },
  )

  const answered = () => world.log.filter((line) => /"route":"[^"]*acquire"/.test(line)).length

  it('takes no job along when its caller hangs up just as work comes', async () => {
    // What the server has sent by the time may be on its way to a caller that reads: the lease is for that. The slower the
    // machine, the more often it is.
    let cameBack = 0
    for (let n = 0; cameBack < 10; n++) {
      expect(n).toBeLessThan(40)
      const leaving = hold(world)
      await settled(world)
      const before = answered()
      const enqueued = worker.enqueue()
      for (let moment = 0; moment < n % 4; moment++) await world.call('GET', '/healthz')
      leaving.hangUp()
      const made = await enqueued
      await until('the server is done with the call', () => answered() > before)
      const back = until('the job is back', async () => (await worker.lease({ worker_id: 'next' }))[0], 1000)
      const job = await back.catch(() => undefined)
      if (job) {
        cameBack += 1
        expect(job).toMatchObject({ id: made.id, retry_count: 0, failure_timeline: null })
      }
      await world.clear()
    }
  })

  it.runIf(kind === 'postgres')('gives back what it leased while its caller hung up', async () => {
    const leaving = hold(world)
    await settled(world)
    const before = answered()
    await world.sql.begin(async (tx) => {
      await tx`lock table job_events in share mode`
      const [id] = await world.jobs(1, { status: 'queued', days: 0 })
      await until('the call has the job in its hands', async () => {
        // Not in the transaction, which would see what it saw at first again and again.
        const [row] = await world.sql`
          select from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and query like '%job_queue_controls%'`
        return row !== undefined && id
      })
      leaving.hangUp()
      for (let moment = 0; moment < 5; moment++) await world.call('GET', '/healthz')
    })
    // Else the next one might be served before it.
    await until('the server is done with the call', () => answered() > before)
    const job = await worker.take({ wait_seconds: 10, worker_id: 'next' })
    expect(job).toMatchObject({ retry_count: 0, failure_timeline: null })
    const types = (await world.steps()).map(({ event_type }) => event_type)
    expect(types).toEqual(['job.acquired', 'job.released', 'job.acquired'])
  })

  it('ends early and well when the server stops', async () => {
    const { env } = await newDatabase(kind)
    const server = await spawnServer({ ...env, ...longShutdown, SINGLE_USER_API_KEY: world.key })
    const there = { url: server.url, key: world.key }
    try {
      await until('the server is ready', () => server.output.out.includes('"ready"'))
      const calls = Array.from({ length: 5 }, () => hold(there, { wait_seconds: 60 }).answer)
      await settled(there)
      const ended = server.stop()
      for (const answer of await Promise.all(calls)) expect(answer?.jobs).toEqual([])
      expect(await ended).toMatchObject({ code: 0, err: '' })
    } finally {
      await server.kill()
    }
  })
})

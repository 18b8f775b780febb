import { resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createClient } from '../../../sdk/client.ts'
import { until } from '../../support/poll.ts'
import { startChild } from '../../support/programs/child.ts'
import { type ServerProcess, spawnServer } from '../../support/programs/spawn-server.ts'
import { startWorker } from '../../support/sdk/running-worker.ts'
import { openWorld, type World } from '../../support/world.ts'

const domain = 'letters'

describe('the worker, over time and when processes end', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterEach(() => world.clear())
  afterAll(() => world?.stop())

  const target = () => ({ url: world.url, apiKey: world.key })
  const enqueue = (count: number) =>
    createClient(target()).enqueueBatch({
      jobs: Array.from({ length: count }, (_, n) => ({ domain, job_type: 'print', payload: { n } })),
    })

  /** A worker process whose jobs never end. */
  async function spawnWorker(env: Record<string, string> = {}) {
    const worker = startChild(['--import', 'tsx', resolve('test/support/sdk/worker-process.ts')], {
      env: { BASE: world.url, API_KEY: world.key, ...env },
    })
    onTestFinished(() => void worker.process.kill('SIGKILL'))
    await until(
      'the worker has a job',
      () => worker.output.out.includes('"leased"') || worker.process.exitCode !== null,
    )
    expect(worker.output).toMatchObject({ err: '' })
    return worker
  }

  it('renews: a job runs for longer than its lease', async () => {
    await enqueue(1)
    let isAborted = false
    const worker = startWorker({
      ...{ ...target(), domain, leaseSeconds: 3 },
      handlers: {
        print: async ({ job, signal }) => {
          await until('its first lease is over twice', async () => {
            const [row] = await world.sql<[{ over: boolean }]>`
              select now() > ${job.leased_until}::text::timestamptz + interval '3 seconds' as over`
            return row.over
          })
          isAborted = signal.aborted
        },
      },
    })
    // Another caller that asks for jobs would take the lease that has run out.
    const other = createClient(target())
    const asking = setInterval(() => void other.acquire({ domain, worker_id: 'other' }).catch(() => {}), 200)
    onTestFinished(() => clearInterval(asking))
    await until('it has ended', async () => (await world.rows()).every(({ status }) => status === 'completed'))
    expect(await world.rows()).toMatchObject([{ retry_count: 0 }])
    expect(isAborted).toBe(false)
    expect(worker.events.map(({ event }) => event)).not.toContain('lost')
  })

  it('gives back a job whose handler does not stop', async () => {
    await enqueue(1)
    const worker = startWorker({ ...target(), domain, handlers: { print: () => new Promise(() => {}) } })
    await until('the job runs', () => worker.events.some(({ event }) => event === 'leased'))
    await worker.stop()
    expect(await world.rows()).toMatchObject([{ status: 'queued', lease_id: null, retry_count: 0 }])
  })

  it('takes a job again whose finish it could not send, and names each job once in a call', async () => {
    await enqueue(1)
    const renewed: number[][] = []
    let attempts = 0
    const worker = startWorker({
      ...{ ...target(), domain, leaseSeconds: 3, waitSeconds: 1, concurrency: 3 },
      fetch: (url, init) => {
        if (url.endsWith('/renew')) {
          const { jobs } = JSON.parse(String(init.body))
          renewed.push(jobs.map(({ id }: { id: number }) => id))
        }
        const isCut = attempts < 2 && !url.endsWith('/acquire')
        return isCut ? Promise.reject(new TypeError('no network')) : fetch(url, init)
      },
      handlers: {
        print: async ({ job }) => {
          attempts++
          if (job.retry_count === 0) return 'lost'
          const before = renewed.length
          await until('its lease was renewed three times', () => renewed.length >= before + 3)
          return 'again'
        },
      },
    })
    await until('it is completed', async () => (await world.rows()).every(({ status }) => status === 'completed'))
    expect(await world.rows()).toMatchObject([{ result: 'again', retry_count: 1 }])
    expect(renewed.filter((ids) => new Set(ids).size < ids.length)).toEqual([])
    expect(worker.events).toContainEqual(expect.objectContaining({ event: 'lost', code: 'lease_lost' }))
  })

  it('another worker takes the jobs of one that was killed, when their leases are over', async () => {
    await enqueue(3)
    const killed = await spawnWorker({ LEASE: '2' })
    killed.process.kill('SIGKILL')
    await killed.ended
    startWorker({ ...target(), domain, workerId: 'heir', handlers: { print: () => 'done' } })
    await until('all are completed', async () => (await world.rows()).every(({ status }) => status === 'completed'))
    expect(await world.rows()).toMatchObject(
      Array(3).fill({ worker_id: 'heir', result: 'done', retry_count: 1, failure_streak_code: null }),
    )
  })

  it('gives its jobs back on SIGTERM, when the time for running jobs is over', async () => {
    await enqueue(30)
    const worker = await spawnWorker({ GRACE: '0' })
    worker.process.kill('SIGTERM')
    expect(await worker.ended).toMatchObject({ code: 0, out: expect.stringContaining('ended'), err: '' })
    expect(await world.rows()).toMatchObject(Array(30).fill({ status: 'queued', lease_id: null, retry_count: 0 }))
  })

  it('gives its jobs back at once on a second signal', async () => {
    await enqueue(3)
    const worker = await spawnWorker()
    worker.process.kill('SIGTERM')
    await until('it stops', () => worker.output.out.includes('"stopping"'))
    worker.process.kill('SIGINT')
    expect(await worker.ended).toMatchObject({ code: 0, err: '' })
    expect(await world.rows()).toMatchObject(Array(3).fill({ status: 'queued', lease_id: null, retry_count: 0 }))
  })

  it('finishes each job once, over the death of its server', async () => {
    let server: ServerProcess = await spawnServer(world.env)
    onTestFinished(async () => void (await server.kill()))
    const port = new URL(server.url).port
    await enqueue(60)
    const runs: number[] = []
    const worker = startWorker({
      ...{ url: server.url, apiKey: world.key, domain, concurrency: 5, waitSeconds: 2, leaseSeconds: 20 },
      handlers: {
        print: async ({ job }) => {
          runs.push(job.id)
          await new Promise((done) => setTimeout(done, 50))
        },
      },
    })
    await until('ten have run', () => runs.length >= 10)
    await server.kill()
    await until('a call failed', () => worker.events.some(({ event }) => event === 'retrying'))
    server = await spawnServer({ ...world.env, PORT: port })
    await until('all are completed', async () => (await world.rows()).every(({ status }) => status === 'completed'))
    const once = new Set(runs)
    expect(once.size).toBe(60)
    // A job whose lease was answered by nobody is taken once more; a job that has run is not.
    expect(runs).toHaveLength(60)
  })

  it('ends although no server answers, and says that it does not know what became of its job', async () => {
    const server = await spawnServer(world.env)
    onTestFinished(async () => void (await server.kill()))
    await enqueue(1)
    const worker = startWorker({
      ...{ url: server.url, apiKey: world.key, domain },
      handlers: {
        print: ({ signal }) => new Promise((_, no) => signal.addEventListener('abort', () => no(signal.reason))),
      },
    })
    await until('the job runs', () => worker.events.some(({ event }) => event === 'leased'))
    await server.kill()
    await worker.stop()
    expect(worker.events.at(-1)).toMatchObject({ event: 'lost', code: 'outcome_unknown' })
  })

  it('aborts a handler whose lease it cannot renew until its end', async () => {
    const server = await spawnServer(world.env)
    onTestFinished(async () => void (await server.kill()))
    await enqueue(1)
    let reason: unknown
    const worker = startWorker({
      ...{ url: server.url, apiKey: world.key, domain, leaseSeconds: 2, timeoutMs: 2000 },
      handlers: {
        print: ({ signal }) =>
          new Promise((_, reject) =>
            signal.addEventListener('abort', () => {
              reason = signal.reason
              reject(signal.reason)
            }),
          ),
      },
    })
    await until('the job runs', () => worker.events.some(({ event }) => event === 'leased'))
    server.freeze()
    await until('the handler was told', () => reason !== undefined)
    server.thaw()
    expect(reason).toMatchObject({ why: 'lease_lost' })
    expect(worker.events).toContainEqual(expect.objectContaining({ event: 'lost', code: 'lease_expired' }))
  })
})

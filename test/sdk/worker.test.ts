import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { type Client, createClient } from '../../sdk/client.ts'
import type { Job } from '../../sdk/wire/types.ts'
import {
  cancel,
  discard,
  type Handler,
  JobAborted,
  type JobContext,
  JobFailure,
  type PayloadSchema,
  runWorker,
  snooze,
  type WorkerOptions,
  withSchema,
} from '../../sdk/worker.ts'
import { until } from '../support/poll.ts'
import { startWorker } from '../support/sdk/running-worker.ts'
import { openWorld, type World } from '../support/world.ts'

const domain = 'letters'

describe('the worker', () => {
  let world: World
  let client: Client
  beforeAll(async () => {
    world = await openWorld('postgres')
    client = createClient({ url: world.url, apiKey: world.key })
  })
  afterEach(() => world.clear())
  afterAll(() => world?.stop())

  const start = (handlers: Record<string, Handler>, options: Partial<WorkerOptions> = {}) =>
    startWorker({ url: world.url, apiKey: world.key, domain, handlers, ...options })
  const enqueue = async (payloads: object[], job_type = 'print') =>
    (await client.enqueueBatch({ jobs: payloads.map((payload) => ({ domain, job_type, payload })) })).jobs
  const row = async (id: number) => (await world.rows()).find((one) => one.id === id)
  const ended = (n: number) =>
    until(`${n} jobs have ended`, async () => {
      const rows = await world.rows()
      return rows.filter(({ status }) => status !== 'queued' && status !== 'processing').length >= n
    })
  /** A handler that runs until its signal aborts. */
  const endless: Handler = async ({ signal }) => {
    if (!signal.aborted) await once(signal, 'abort')
    throw signal.reason
  }

  it('runs each job by the handler of its type, and leases no other types', async () => {
    await enqueue([{ n: 1 }], 'other')
    await enqueue([{ n: 2 }], 'print')
    await enqueue([{ n: 3 }], 'send')
    const worker = start(
      {
        print: ({ payload }) => ({ printed: payload }),
        send: async ({ job }) => `sent by ${job.worker_id}`,
      },
      { workerId: 'w-1' },
    )
    await ended(2)
    await worker.stop()
    expect((await world.rows()).map(({ job_type, status, result }) => ({ job_type, status, result }))).toEqual([
      { job_type: 'other', status: 'queued', result: null },
      { job_type: 'print', status: 'completed', result: { printed: { n: 2 } } },
      { job_type: 'send', status: 'completed', result: 'sent by w-1' },
    ])
  })

  it("takes jobs of every type with '*'", async () => {
    await enqueue([{}], 'one')
    await enqueue([{}], 'two')
    start({ one: () => 1, '*': () => undefined })
    await ended(2)
    expect((await world.rows()).map(({ result }) => result)).toEqual([1, null])
  })

  it('tells once a minute that its queue is throttled', async () => {
    const queue = { domain, queue: 'slow' }
    await world.post('/api/v1/jobs/queue/throttle', { ...queue, running: 1 })
    await client.enqueueBatch({ jobs: Array.from({ length: 3 }, () => ({ ...queue, job_type: 'print', payload: {} })) })
    const told = new AbortController()
    const print: Handler = async () => {
      if (!told.signal.aborted) await once(told.signal, 'abort')
    }
    const onEvent = ({ event }: { event: string }) => event === 'limited' && told.abort()
    const worker = start({ print }, { queues: ['slow'], concurrency: 3, waitSeconds: 1, onEvent })
    await ended(3)
    await worker.stop()
    const limited = worker.events.filter(({ event }) => event === 'limited')
    expect(limited).toEqual([{ event: 'limited', queue: 'slow', running: 1, of: 1, per_minute: null }])
  })

  it('fails a job with what its handler throws', async () => {
    const errors: Record<string, unknown> = {
      error: Object.assign(new RangeError('out of\0range'), { code: 'E_RANGE' }),
      final: new JobFailure('for good', { code: 'gone', retryable: false }),
      later: new JobFailure('later', { backoffSeconds: 3600 }),
      text: 'only text',
      blank: new Error(''),
    }
    for (const name of Object.keys(errors)) await enqueue([{ name }], name)
    const fail: Handler = ({ job }) => {
      throw errors[job.job_type]
    }
    const worker = start({ '*': fail })
    await until('all have failed', () => worker.events.filter(({ event }) => event === 'failed').length >= 5)
    await worker.stop()
    const rows = await world.rows()
    const of = (name: string) => rows.find(({ job_type }) => job_type === name)
    expect(of('error')).toMatchObject({
      last_error: 'out of\uFFFDrange',
      error_code: null,
      error_class: 'RangeError',
    })
    expect(of('final')).toMatchObject({ status: 'failed', error_code: 'gone', error_class: 'JobFailure' })
    expect(of('later')).toMatchObject({ status: 'queued', error_code: null })
    expect(Date.parse(String(of('later')?.available_at))).toBeGreaterThan(Date.now() + 1_800_000)
    expect(of('text')).toMatchObject({ last_error: 'only text' })
    expect(of('blank')).toMatchObject({ last_error: 'Error' })
  })

  /** Of no library: it takes an even number, and doubles it. */
  const even: PayloadSchema<{ twice: number }> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: async (value) => {
        const n = typeof value === 'object' && value !== null && 'n' in value ? value.n : undefined
        return typeof n === 'number' && n % 2 === 0
          ? { value: { twice: 2 * n } }
          : { issues: [{ message: 'must be even', path: [{ key: 'n' }] }] }
      },
    },
  }

  it('checks payloads by a schema of any library, and fails what breaks it for good', async () => {
    const [good, bad] = await enqueue([{ n: 2 }, { n: 3, secret: 'hidden' }], 'own')
    const [valid, invalid] = await enqueue([{ page: '7' }, { page: 'x' }], 'zod')
    const Page = z.object({ page: z.coerce.number() })
    start({
      own: withSchema(even, ({ payload }) => payload.twice),
      zod: withSchema(Page, ({ payload: { page } }) => page.toFixed(1)),
    })
    await ended(4)
    expect(await row(good?.id ?? 0)).toMatchObject({ status: 'completed', result: 4 })
    expect(await row(valid?.id ?? 0)).toMatchObject({ status: 'completed', result: '7.0' })
    expect(await row(bad?.id ?? 0)).toMatchObject({
      ...{ status: 'failed', error_code: 'invalid_payload', retry_count: 0 },
      error_message: 'the payload breaks its schema: n: must be even',
    })
    expect(await row(invalid?.id ?? 0)).toMatchObject({ status: 'failed', error_code: 'invalid_payload' })
  })

  it('reports progress, and takes no nonsense', async () => {
    const [job] = await enqueue([{}])
    start({
      print: async (context) => {
        context.progress(Number.NaN, 'half\0way')
        context.progress(250)
        return endless(context)
      },
    })
    await until('the progress is there', async () => (await row(job?.id ?? 0))?.progress_percent === 100)
    expect(await row(job?.id ?? 0)).toMatchObject({ progress_message: 'half\uFFFDway', status: 'processing' })
  })

  it.each([
    { what: 'cancelled', force: false, why: 'cancelled', status: 'cancelled' },
    { what: 'ended by force', force: true, why: 'lease_lost', status: 'cancelled' },
  ])('aborts the handler of a job that is $what', async ({ force, why, status }) => {
    const [job] = await enqueue([{}])
    let reason: unknown
    const worker = start(
      {
        print: async ({ signal }) => {
          await once(signal, 'abort')
          reason = signal.reason
          throw new Error('stopped')
        },
      },
      { leaseSeconds: 6 },
    )
    await until('the job runs', () => worker.events.some(({ event }) => event === 'leased'))
    await client.cancel({ id: job?.id ?? 0, force })
    await until('the handler has stopped', () => reason instanceof JobAborted)
    expect(reason).toMatchObject({ why })
    await ended(1)
    await worker.stop()
    expect(await row(job?.id ?? 0)).toMatchObject({ status })
    const last = force ? { event: 'lost', code: 'lease_lost' } : { event: 'released', status }
    expect(worker.events).toContainEqual(expect.objectContaining(last))
  })

  it('fails a job whose result the server refuses, and finishes the others', async () => {
    const loop: Record<string, unknown> = {}
    loop.self = loop
    const results = ['fine', 'NUL \0', loop, 'x'.repeat(2_000_000), 2n ** 70n, 'good']
    const jobs = await enqueue(results.map((_, n) => ({ n })))
    const Numbered = z.object({ n: z.number() })
    start({ print: withSchema(Numbered, ({ payload: { n } }) => results[n]) })
    await ended(results.length)
    const statuses = []
    for (const { id } of jobs) statuses.push(await row(id))
    expect(statuses.map((one) => one?.error_code ?? one?.status)).toEqual([
      ...['completed', 'result_refused', 'result_refused', 'result_refused', 'result_refused', 'completed'],
    ])
    expect(statuses.filter((one) => one?.status === 'failed')).toHaveLength(4)
    expect(statuses[2]?.error_message ?? statuses[2]?.last_error).toMatch(/^the result is no JSON: .*circular/)
    expect(statuses[3]?.error_message ?? statuses[3]?.last_error).toMatch(/^the server refused how the attempt ended: /)
  })

  it('gives back what it cannot finish when it stops', async () => {
    const jobs = await enqueue([{}, {}])
    const worker = start({ print: endless })
    await until('both run', () => worker.events.filter(({ event }) => event === 'leased').length === 2)
    await worker.stop()
    // The acquire that the worker hung up on may lease a job that was just given back, until the server sees that its caller has gone.
    const rows = await until('both wait again', async () => {
      const all = await world.rows()
      return all.every(({ status }) => status === 'queued') && all
    })
    expect(rows).toMatchObject(jobs.map(({ id }) => ({ id, status: 'queued', lease_id: null, retry_count: 0 })))
  })

  it('lets running jobs go on for a while when it stops, and leases no more', async () => {
    await enqueue([{}, {}, {}])
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const worker = start({ print: () => gate }, { concurrency: 2, graceSeconds: 600 })
    await until('two run', () => worker.events.filter(({ event }) => event === 'leased').length === 2)
    const stopped = worker.stop()
    await until('it stops', () => worker.events.some(({ event }) => event === 'stopping'))
    release()
    await stopped
    expect((await world.rows()).map(({ status }) => status)).toEqual(['completed', 'completed', 'queued'])
  })

  it('holds no more jobs than it may', async () => {
    await enqueue(Array.from({ length: 30 }, () => ({})))
    let running = 0
    let most = 0
    const print = async () => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 10))
      running--
    }
    start({ print }, { concurrency: 3 })
    await ended(30)
    expect(most).toBe(3)
  })

  it('does each of 200 jobs once, beside another worker', async () => {
    const jobs = await enqueue(Array.from({ length: 200 }, (_, n) => ({ n })))
    const done: number[] = []
    const print: Handler = ({ job }) => {
      done.push(job.id)
      throw job.id % 10 === 0 && job.retry_count === 0 ? new JobFailure('once more', { backoffSeconds: 0 }) : undefined
    }
    const twice: Handler = (context) => {
      try {
        return print(context)
      } catch (error) {
        if (error) throw error
        return context.job.id
      }
    }
    const workers = ['one', 'two'].map((workerId) => start({ print: twice }, { workerId }))
    await until('all are completed', async () => (await world.rows()).every(({ status }) => status === 'completed'))
    for (const worker of workers) await worker.stop()
    const again = jobs.filter(({ id }) => id % 10 === 0).map(({ id }) => id)
    expect(done.sort((a, b) => a - b)).toEqual([...jobs.map(({ id }) => id), ...again].sort((a, b) => a - b))
    expect((await world.rows()).every(({ id, result }) => result === id)).toBe(true)
  })

  it('ends an attempt as the value says that a handler returns', async () => {
    const [later, dropped, unwanted] = await enqueue([{ n: 0 }, { n: 1 }, { n: 2 }])
    const endings = [snooze(3600), discard('no such page'), cancel('nobody wants it')]
    const print = ({ job: { id } }: JobContext) => endings[[later?.id, dropped?.id, unwanted?.id].indexOf(id)]
    const worker = start({ print })
    await until('all three have ended', () => worker.events.filter(({ event }) => event !== 'leased').length === 3)
    expect(worker.events.flatMap(({ event }) => (event === 'leased' ? [] : event)).sort()).toEqual([
      ...['cancelled', 'failed', 'released'],
    ])
    expect(await world.rows()).toMatchObject([
      { status: 'queued', retry_count: 0, available_at: expect.any(String) },
      { status: 'failed', retry_count: 0, error_message: 'no such page' },
      { status: 'cancelled', cancellation_reason: 'nobody wants it' },
    ])
    expect(() => snooze(Number.NaN)).toThrow(TypeError)
  })

  it('fails an attempt that takes longer than timeoutSeconds, also where the handler does not stop', async () => {
    const [polite, deaf] = await enqueue([{}, {}])
    const reasons: unknown[] = []
    const print: Handler = async ({ job, signal }) => {
      if (job.id === deaf?.id) return new Promise(() => {})
      await once(signal, 'abort')
      reasons.push(signal.reason)
      throw signal.reason
    }
    const worker = start({ print }, { timeoutSeconds: 0.05 })
    await until('both have failed', () => worker.events.filter(({ event }) => event === 'failed').length >= 2)
    await worker.stop()
    expect(reasons[0]).toMatchObject({ name: 'JobAborted', why: 'timeout' })
    for (const id of [polite?.id, deaf?.id])
      expect(await row(id ?? 0)).toMatchObject({
        ...{ error_class: 'JobAborted', error_code: null, error_message: 'the handler ran longer than timeoutSeconds' },
      })
  })

  it('tells a handler within seconds that its job is not wanted any more, long before its lease is renewed', async () => {
    const [job] = await enqueue([{}])
    const reasons: unknown[] = []
    const print: Handler = async ({ signal }) => {
      if (!signal.aborted) await once(signal, 'abort')
      reasons.push(signal.reason)
      throw signal.reason
    }
    const worker = start({ print }, { leaseSeconds: 3600, concurrency: 1 })
    await until('it runs', () => worker.events.some(({ event }) => event === 'leased'))
    await client.cancel({ id: job?.id ?? 0, reason: 'not wanted' })
    await until('the handler hears of it', () => reasons.length > 0)
    expect(reasons).toMatchObject([{ name: 'JobAborted', why: 'cancelled' }])
    await ended(1)
    expect(await row(job?.id ?? 0)).toMatchObject({ status: 'cancelled', cancellation_reason: 'not wanted' })
  })

  it('runs around each handler what the program says', async () => {
    const [first, second] = await enqueue([{}, {}])
    const around = async (job: Job, run: () => Promise<unknown>) => {
      if (job.id === second?.id) throw new Error('no transaction')
      return { around: await run() }
    }
    const worker = start({ print: ({ job }) => job.id }, { around })
    await until('both have ended', () => worker.events.filter(({ event }) => event !== 'leased').length >= 2)
    await worker.stop()
    expect(await row(first?.id ?? 0)).toMatchObject({ status: 'completed', result: { around: first?.id } })
    expect(await row(second?.id ?? 0)).toMatchObject({ status: 'queued', error_message: 'no transaction' })
  })

  it.each([1, 3, 10])('shares %i places between three queues, and starves none', async (concurrency) => {
    const queues = ['busy', 'quiet', 'idle']
    const jobs = Array.from({ length: 40 }, () => ({ domain, queue: 'busy', job_type: 'print', payload: {} }))
    await client.enqueueBatch({ jobs })
    let running = 0
    let most = 0
    const order: string[] = []
    const print = async ({ job }: JobContext) => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 5))
      running--
      order.push(job.queue)
    }
    const worker = start({ print }, { queues, concurrency })
    await until('the busy queue is at work', () => order.length > 0)
    await client.enqueue({ domain, queue: 'quiet', job_type: 'print', payload: {} })
    await ended(41)
    await client.enqueue({ domain, queue: 'idle', job_type: 'print', payload: {} })
    await ended(42)
    await worker.stop()
    expect(most).toBeLessThanOrEqual(concurrency)
    expect(order.filter((queue) => queue !== 'busy')).toEqual(['quiet', 'idle'])
  })

  it('writes failures to stderr where nobody listens, a line each', async () => {
    const written = vi.spyOn(console, 'error').mockImplementation(() => {})
    const stopping = new AbortController()
    await enqueue([{}])
    const print = () => {
      throw new Error('no\npaper')
    }
    const options = { url: world.url, apiKey: world.key, domain, handlers: { print }, handleSignals: false }
    const ending = runWorker({ ...options, graceSeconds: 0, signal: stopping.signal })
    await until('a line is written', () => written.mock.calls.length > 0)
    stopping.abort()
    await ending
    const line = String(written.mock.calls[0]?.[0])
    written.mockRestore()
    expect(line).toMatch(/^jobsctl\/worker: job \d+ \(print\) failed and is queued: no paper$/)
  })

  it('ends with the error of a server that refuses it', async () => {
    const worker = startWorker({ url: world.url, apiKey: 'wrong', domain, handlers: { '*': () => 1 } })
    await expect(worker.ended).rejects.toMatchObject({ name: 'JobsError', code: 'unauthenticated' })
    const tooLong = start({ '*': () => 1 }, { leaseSeconds: 86_400 })
    await expect(tooLong.ended).rejects.toMatchObject({ code: 'invalid_request' })
  })

  it('goes on when a listener throws', async () => {
    await enqueue([{}])
    const onEvent = () => {
      throw new Error('the listener')
    }
    start({ print: () => 1 }, { onEvent })
    await ended(1)
  })

  it('refuses options that cannot be right', async () => {
    const wrong: Partial<WorkerOptions>[] = [
      ...[
        { handlers: {} },
        { handlers: { print: function* () {} } },
        { concurrency: 0 },
        { concurrency: 1.5 },
        { leaseSeconds: 0 },
        { waitSeconds: 61 },
        { timeoutSeconds: 0 },
        { queues: [] },
        { queues: ['a', 'a'] },
        { queue: 'a', queues: ['b'] },
        Object.fromEntries([['concurency', 5]]),
      ],
      { handlers: Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`t${n}`, () => n])) },
    ]
    for (const options of wrong) await expect(start({ '*': () => 1 }, options).ended).rejects.toBeInstanceOf(TypeError)
  })
})

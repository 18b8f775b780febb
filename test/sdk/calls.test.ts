import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Client, createClient, JobsError } from '../../sdk/client.ts'
import { openWorld, type World } from '../support/world.ts'

const domain = 'letters'

describe('the client, against a server', () => {
  let world: World
  let client: Client
  beforeAll(async () => {
    world = await openWorld('postgres')
    client = createClient({ url: world.url, apiKey: world.key })
  })
  afterEach(() => world.clear())
  afterAll(() => world?.stop())

  const failure = (call: Promise<unknown>): Promise<JobsError> =>
    call.then(
      () => {
        throw new Error('the call went well')
      },
      (error: unknown) => {
        if (error instanceof JobsError) return error
        throw error
      },
    )
  const enqueue = (payload: object = {}) => client.enqueue({ domain, job_type: 'print', payload })

  it('enqueues, leases, renews and completes a job', async () => {
    const made = await client.enqueue({ domain, job_type: 'print', payload: { page: 1 }, idempotency_key: 'one' })
    expect(made.created).toBe(true)
    const { jobs } = await client.acquire({ domain, worker_id: 'w' })
    expect(jobs).toMatchObject([{ id: made.id, payload: { page: 1 } }])
    const lease = { id: made.id, worker_id: 'w', lease_id: jobs[0]?.lease_id ?? '' }
    expect(await client.renew({ ...lease, progress_percent: 50 })).toMatchObject({ cancel_requested: false })
    expect(await client.complete({ ...lease, result: ['done'] })).toMatchObject({ id: made.id, status: 'completed' })
    expect(await client.jobByKey({ domain, job_type: 'print', idempotency_key: 'one' })).toMatchObject({ id: made.id })
    expect(await client.stats({ domain })).toMatchObject([{ domain, processing: 0 }])
  })

  it('waits until a job has ended, and says how far it is when the time is over', async () => {
    const { id } = await enqueue()
    const over = await failure(client.waitFor(id, { timeoutMs: 50 }))
    expect([over.code, over.message]).toEqual([
      'timed_out',
      expect.stringMatching(/^job \d+ is (queued|not read) after 50 ms; it goes on as it would have$/),
    ])
    const waiting = client.waitFor(id)
    const { jobs } = await client.acquire({ domain, worker_id: 'w' })
    await client.complete({ id, worker_id: 'w', lease_id: jobs[0]?.lease_id ?? '', result: { page: 1 } })
    expect(await waiting).toMatchObject({ id, status: 'completed', result: { page: 1 } })
    expect((await failure(client.waitFor(id + 1000))).code).toBe('not_found')
    const other = await enqueue()
    const given = new AbortController()
    const ended = expect(client.waitFor(other.id, { signal: given.signal })).rejects.toThrow('enough')
    given.abort(new Error('enough'))
    await ended
  })

  it('takes times as a Date, and a delay by the clock of the database', async () => {
    const job = { domain, job_type: 'print', payload: {} }
    const at = new Date(Date.now() + 3_600_000)
    const later = await client.enqueue({ ...job, available_at: at })
    expect(Date.parse(later.available_at ?? '')).toBe(at.getTime())
    const [, second] = (await client.enqueueBatch({ jobs: [job, { ...job, delay_seconds: 600 }] })).jobs
    const { created_at, available_at } = second ?? {}
    expect(Date.parse(available_at ?? '') - Date.parse(created_at ?? '')).toBe(600_000)
    expect(await client.listJobs({ domain, created_after: at })).toEqual([])
    const both = await failure(client.enqueue({ ...job, available_at: at, delay_seconds: 1 }))
    expect([both.code, both.faults[0]?.path]).toEqual(['invalid_request', 'delay_seconds'])
    await expect(client.enqueue({ ...job, available_at: new Date('soon') })).rejects.toThrow(
      new TypeError('available_at must be a valid Date'),
    )
    expect(await client.stats({ domain })).toMatchObject([{ queued: 1, scheduled: 2 }])
  })

  it('puts lists and filters of the payload into a query', async () => {
    const ids = [(await enqueue({ customer: { id: 'a,b=c&d' } })).id, (await enqueue({ customer: { id: '8' } })).id]
    const listed = await client.listJobs({
      status: ['queued', 'failed'],
      payload: [{ path: 'customer.id', value: 'a,b=c&d' }],
      ids,
    })
    expect(listed.map(({ id }) => id)).toEqual([ids[0]])
  })

  it('gives the headers of a list in pages', async () => {
    await world.jobs(3, { domain })
    const ids = new Set<number>()
    let cursor: string | undefined
    do {
      let link = ''
      const page = await client.listJobs(
        { limit: 2, cursor },
        { onHeaders: (headers) => (link = headers.get('Link') ?? '') },
      )
      for (const { id } of page) ids.add(id)
      cursor = /[?&]cursor=([^&>]+)[^,]*rel="next"/.exec(link)?.[1]
      if (cursor !== undefined) cursor = decodeURIComponent(cursor)
    } while (cursor !== undefined)
    expect(ids.size).toBe(3)
  })

  it('confirms a change only where it is told to, with its reason, and reports its progress', async () => {
    await world.jobs(5, { domain, status: 'completed', completed_at: '2020-01-01T00:00:00Z' })
    expect(await client.prune({ domain, dry_run: true })).toMatchObject({ deleted: 5 })
    expect(await failure(client.prune({ domain }))).toMatchObject({ code: 'confirmation_required', status: 400 })
    expect(await world.count()).toBe(5)
    const pruned = await client.prune({ domain }, { confirm: true, reason: 'Überblick 📚', onProgress: () => {} })
    expect(pruned).toMatchObject({ deleted: 5 })
    expect(await world.count()).toBe(0)
    const id = pruned.operation_id ?? 0
    expect(await client.getOperation({ id })).toMatchObject({ reason: 'Überblick 📚' })
    expect(await client.followOperation({ id })).toMatchObject({ deleted: 5 })
    expect(await client.undo({ id }, { confirm: true })).toMatchObject({ affected: 5 })
  })

  it('makes a change once for its idempotency key', async () => {
    await world.jobs(2, { domain, status: 'completed', completed_at: '2020-01-01T00:00:00Z' })
    const prune = () => client.prune({ domain }, { confirm: true, idempotencyKey: 'nightly' })
    const first = await prune()
    await world.jobs(1, { domain, status: 'completed', completed_at: '2020-01-01T00:00:00Z' })
    expect(await prune()).toMatchObject({ deleted: 2, operation_id: first.operation_id })
    expect(await world.count()).toBe(1)
  })

  it('keeps all digits of integers as bigint, and writes them', async () => {
    const { id } = await enqueue()
    const digits = 9007199254740993n
    await world.sql`update jobs set payload = ${`{"n": ${digits}, "m": -${digits}, "f": 0.5, "s": "${digits}"}`}::text::jsonb where id = ${id}`
    const expected = { n: digits, m: -digits, f: 0.5, s: String(digits) }
    expect((await client.showJob({ id })).payload).toEqual(expected)
    const { jobs } = await client.acquire({ domain, worker_id: 'w' })
    expect(jobs[0]?.payload).toEqual(expected)
    const made = await client.enqueue({ domain, job_type: 'print', payload: { n: 7n } })
    expect(made.payload).toEqual({ n: 7 })
    expect(await failure(client.enqueue({ domain, job_type: 'print', payload: { n: digits } }))).toMatchObject({
      status: 422,
    })
  })

  it('throws errors with their code, status, faults and the id of the request', async () => {
    expect(await failure(client.showJob({ id: 999_999_999 }))).toMatchObject({ code: 'not_found', status: 404 })
    const invalid = await failure(client.acquire({ domain: ' ', worker_id: 'w', limit: 0 }))
    expect(invalid).toMatchObject({ code: 'invalid_request', status: 422, requestId: expect.any(String) })
    expect(invalid.faults.map(({ path }) => path)).toEqual(['domain', 'limit'])
    const { id } = await enqueue()
    const lost = await failure(client.complete({ id, worker_id: 'w', lease_id: 'another' }))
    expect(lost).toMatchObject({ code: 'lease_lost', status: 409, temporary: false })
    const events = await failure(client.events({ after_id: 2 ** 50 }))
    expect(events).toMatchObject({ code: 'events_reset', status: 410, newestId: expect.any(Number) })
  })

  it('never shows its key: not in an error, nor in itself', async () => {
    const apiKey = 'wrong-key-of-a-caller'
    const other = createClient({ url: world.url, apiKey })
    const error = await failure(other.stats())
    expect(error).toMatchObject({ code: 'unauthenticated', status: 401 })
    for (const value of [error, other]) expect(inspect(value, { depth: 20, showHidden: true })).not.toContain(apiKey)
  })

  it('reads the events as they come, until its caller leaves', async () => {
    const { id } = await enqueue()
    const leaving = new AbortController()
    const seen: unknown[] = []
    for await (const { event, data, id: eventId } of client.eventStream({ domain }, { signal: leaving.signal })) {
      if (event !== 'job') continue
      seen.push(data)
      expect(Number(eventId)).toBeGreaterThan(0)
      leaving.abort()
    }
    expect(seen).toMatchObject([{ job_id: id, event_type: 'job.created' }])
    for await (const { event, data } of client.statsStream({ domain })) {
      expect({ event, data }).toMatchObject({ event: 'full' })
      break
    }
  })
})

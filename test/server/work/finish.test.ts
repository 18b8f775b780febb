import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Job } from '../../../shared/work/job.ts'
import { kinds } from '../../support/database/database.ts'
import { differences, justNow } from '../../support/differences.ts'
import { held, jobPath, jobPaths, workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(kinds)('finish on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind, { JOBS_MAX_JSON_BYTES: '2000' })
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const running = async (columns: object = {}): Promise<Job> => {
    await world.jobs(1, { status: 'queued', ...columns })
    return worker.take()
  }
  const typesOfSteps = async () => (await world.steps()).map(({ event_type }) => event_type)

  it('completes a job: its result, its end, the token; and clears what earlier failures left', async () => {
    const job = await running({
      error_code: 'e',
      error_message: 'm',
      failure_streak_code: 'e',
      failure_streak_count: 2,
    })
    const before = await world.rows()

    const answer = await worker.complete(job, { result: { url: 'ü', list: [1, null] }, completion_token: 't' })

    expect(answer).toEqual({ id: job.id, status: 'completed', retry_count: 0, available_at: null })
    expect(differences(before, await world.rows())).toEqual({
      [job.id]: {
        ...{ status: 'completed', completed_at: justNow, completion_token: 't', result: { url: 'ü', list: [1, null] } },
        ...{ leased_until: null, error_code: null, error_message: null },
        ...{ failure_streak_code: null, failure_streak_count: 0 },
      },
    })
    expect(await typesOfSteps()).toEqual(['job.acquired', 'job.completed'])
  })

  it.each([
    { action: 'complete', fields: {}, status: 'completed' },
    { action: 'fail', fields: { error: 'e', error_code: 'c' }, status: 'queued' },
    { action: 'fail', fields: { error: 'e', retryable: false }, status: 'failed' },
    { action: 'release', fields: {}, status: 'queued' },
  ] as const)(
    'answers a repeated $action with its token as the first time ($status), and changes nothing',
    async ({ action, fields, status }) => {
      const job = await running()
      const call = (token: string) =>
        world.post(jobPath(job.id, action), { ...held(job), ...fields, completion_token: token })

      const first = await call('t')
      const before = await world.fingerprint()
      const again = await Promise.all([call('t'), call('t')])
      expect(first).toMatchObject({ status: 200, body: { id: job.id, status } })
      for (const answer of again) expect(answer).toMatchObject({ status: 200, body: first.body })
      expect(await call('other')).toMatchObject({ status: 409 })
      const other = action === 'complete' ? 'release' : 'complete'
      expect(await world.post(jobPath(job.id, other), { ...held(job), completion_token: 't' })).toMatchObject({
        status: 409,
      })
      expect(await world.fingerprint()).toBe(before)
    },
  )

  it('still answers a repeated failure as the first time when another worker runs the job by then', async () => {
    const job = await running()
    const fields = { completion_token: 't', backoff_seconds: 0 }
    const first = await worker.fail(job, fields)
    await worker.take({ worker_id: 'worker-2' })
    expect(await worker.fail(job, fields)).toEqual(first)
    expect((await world.rows())[0]).toMatchObject({ status: 'processing', worker_id: 'worker-2', retry_count: 1 })
  })

  it('finishes once when the same finish comes ten times at once', async () => {
    const job = await running()
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => worker.complete(job, { completion_token: 't', result: 1 })),
    )
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(await typesOfSteps()).toEqual(['job.acquired', 'job.completed'])
  })

  it('refuses a second finish without a token, and one under a lease that was lost', async () => {
    const job = await running()
    await worker.complete(job)
    const before = await world.fingerprint()
    expect(await world.post(jobPath(job.id, 'complete'), held(job))).toMatchObject({
      status: 409,
      body: { code: 'conflict' },
    })
    for (const wrong of [{ worker_id: 'other' }, { lease_id: 'other' }]) {
      expect((await world.post(jobPath(job.id, 'complete'), { ...held(job), ...wrong })).status).toBe(409)
    }
    expect(await world.post(jobPath(4711, 'complete'), held(job))).toMatchObject({ status: 404 })
    expect(await world.fingerprint()).toBe(before)
  })

  it('takes the finish of a lease that has run out, as long as nobody has taken the job over', async () => {
    const job = await running()
    await world.sql`update jobs set leased_until = now() - interval '1 hour'`
    expect(await worker.complete(job)).toMatchObject({ status: 'completed' })
  })

  it.each([
    [0, undefined, 1],
    [1, 3, 6],
    [4, 0.5, 8],
    [11, 2, 3600],
    [100, 3600, 3600],
    [2, 0, 0],
  ])(
    'after %i retries, a base of %s s makes a wait of %i s, and up to as much on top',
    async (retry_count, backoff_seconds, wait) => {
      const job = await running({ retry_count, max_retries: 100, ...(retry_count === 100 && { max_retries: null }) })
      await world.sql`update jobs set max_retries = 100, retry_count = least(retry_count, 99)`
      const { status, retry_count: after } = await worker.fail(job, { backoff_seconds })
      const [{ seconds }] = await world.sql<[{ seconds: number }]>`
        select extract(epoch from available_at - updated_at)::float8 as seconds from jobs`
      expect({ status, after }).toEqual({ status: 'queued', after: Math.min(retry_count, 99) + 1 })
      expect(seconds).toBeGreaterThanOrEqual(wait)
      expect(seconds).toBeLessThanOrEqual(Math.min(2 * wait, 3600))
    },
  )

  it('spreads the waits of jobs that failed together', async () => {
    await world.jobs(20, { status: 'queued' })
    const jobs = (await worker.lease({ limit: 20 })).map((job) => ({
      ...{ id: job.id, ...held(job), action: 'fail', error: 'e', backoff_seconds: 1000 },
    }))
    await world.post(jobPaths.finishMany, { jobs })
    const due = (await world.rows()).map(({ available_at }) => Date.parse(available_at ?? ''))
    expect(Math.max(...due) - Math.min(...due)).toBeGreaterThan(100_000)
  })

  it('fails a job that is out of retries, or that another try would not help', async () => {
    const spent = await running({ retry_count: 3, max_retries: 3 })
    const failure = { error: 'Ä', error_code: 'c', error_class: 'C', error_stack: [{ at: 1 }] }
    expect(await worker.fail(spent, failure)).toMatchObject({ status: 'failed', retry_count: 3, available_at: null })
    const hopeless = await running()
    expect(await worker.fail(hopeless, { ...failure, retryable: false })).toMatchObject({
      status: 'failed',
      retry_count: 0,
    })

    const kept = { error_message: 'Ä', last_error: 'Ä', error_code: 'c', error_class: 'C', error_stack: [{ at: 1 }] }
    const timeline = [{ ts: justNow, error_code: 'c' }]
    for (const row of await world.rows()) {
      expect(row).toMatchObject({ ...kept, status: 'failed', completed_at: justNow, leased_until: null })
      expect(row.failure_timeline).toMatchObject(timeline)
    }
    expect(await worker.lease()).toEqual([])
  })

  it('quarantines after the same code three times in a row; another code starts anew', async () => {
    await world.jobs(1, { status: 'queued', max_retries: 20 })
    const outcomes: unknown[] = []
    for (const error_code of ['a', 'a', 'b', undefined, 'b', 'b', 'b']) {
      const { status } = await worker.fail(await worker.take(), { error_code, backoff_seconds: 0 })
      const [row] = await world.rows()
      outcomes.push([status, row?.failure_streak_code, row?.failure_streak_count])
    }
    expect(outcomes).toEqual([
      ['queued', 'a', 1],
      ['queued', 'a', 2],
      ['queued', 'b', 1],
      ['queued', null, 0],
      ['queued', 'b', 1],
      ['queued', 'b', 2],
      ['quarantined', 'b', 3],
    ])
    expect((await world.rows())[0]).toMatchObject({
      quarantined_at: justNow,
      lease_id: null,
      worker_id: null,
      leased_until: null,
    })
    expect(await worker.lease()).toEqual([])
    expect((await typesOfSteps()).at(-1)).toBe('job.quarantined')
  })

  it('starts the streak anew after a success in between', async () => {
    const job = await running({ failure_streak_code: 'a', failure_streak_count: 2, status: 'queued' })
    await worker.complete(job)
    expect((await world.rows())[0]).toMatchObject({ failure_streak_code: null, failure_streak_count: 0 })
  })

  it('remembers the last twenty failures, the oldest first, whatever was there', async () => {
    const earlier = Array.from({ length: 25 }, (_, n) => ({ ts: '2026-01-01T00:00:00Z', error_code: `e${n}` }))
    const job = await running({ failure_timeline: earlier })
    await worker.fail(job, { error_code: 'last', backoff_seconds: 10 })
    const [{ failure_timeline } = { failure_timeline: [] }] = await world.rows()
    expect(failure_timeline).toEqual([
      ...earlier.slice(-19),
      { ts: justNow, error_code: 'last', retry_backoff: expect.any(Number) },
    ])
    const odd = await running({ failure_timeline: { not: 'a list' }, queue: 'default', priority: 1 })
    await worker.fail(odd)
    expect((await world.rows())[1]?.failure_timeline).toHaveLength(1)
  })

  it('puts a released job back as it was, due at once, and counts no attempt', async () => {
    const job = await running({ retry_count: 1, failure_streak_code: 'a', failure_streak_count: 1, error_message: 'm' })
    expect(await worker.release(job)).toEqual({ id: job.id, status: 'queued', retry_count: 1, available_at: null })
    expect((await world.rows())[0]).toMatchObject({
      ...{ status: 'queued', retry_count: 1, failure_streak_count: 1, error_message: 'm', failure_timeline: null },
      ...{ lease_id: null, worker_id: null, leased_until: null },
    })
    expect(await worker.take({ worker_id: 'worker-2' })).toMatchObject({ id: job.id })
    expect(await typesOfSteps()).toEqual(['job.acquired', 'job.released', 'job.acquired'])
  })

  it('puts a released job back for later, as its worker says, and counts no attempt', async () => {
    const job = await running({ retry_count: 1 })
    const before = Date.now()
    const { status, retry_count, available_at } = await worker.release(job, { delay_seconds: 90 })
    expect({ status, retry_count }).toEqual({ status: 'queued', retry_count: 1 })
    expect(Math.abs(Date.parse(available_at ?? '') - before - 90_000)).toBeLessThan(30_000)
    expect(await worker.lease()).toEqual([])
    expect(await world.steps()).toMatchObject([{}, { event_type: 'job.released', attrs_json: { available_at } }])
  })

  it('ends a job as cancelled for its worker, with what waits for it, and keeps what an earlier failure said', async () => {
    const job = await running({ retry_count: 3, max_retries: 3, error_code: 'e', error_message: 'm' })
    const dependent = await worker.enqueue({ depends_on: [job.uuid] })
    const jobs = [{ id: job.id, ...held(job), action: 'cancel', reason: 'nobody wants it', completion_token: 't' }]
    const first = await world.post(jobPaths.finishMany, { jobs })
    expect(first).toMatchObject({ status: 200, body: { results: [{ ok: true, id: job.id, status: 'cancelled' }] } })
    expect(await world.rows()).toMatchObject([
      {
        ...{ status: 'cancelled', cancelled_at: justNow, cancellation_reason: 'nobody wants it', completed_at: null },
        ...{ error_code: 'e', error_message: 'm', retry_count: 3 },
      },
      { id: dependent.id, status: 'cancelled', cancellation_reason: 'dependency_cancelled' },
    ])
    const before = await world.fingerprint()
    expect((await world.post(jobPaths.finishMany, { jobs })).body).toEqual(first.body)
    expect(await world.fingerprint()).toBe(before)
  })

  it('finishes many at once, each on its own and in the order of the request', async () => {
    await world.jobs(4, { status: 'queued' })
    const [a, b, c, d] = await worker.lease({ limit: 4 })
    if (!a || !b || !c || !d) throw new Error('four jobs were there')
    const jobs = [
      { id: d.id, ...held(d), action: 'release' },
      { id: b.id, ...held(b), action: 'fail', error: 'e', retryable: false },
      { id: 4711, ...held(b), action: 'complete' },
      { id: c.id, ...held(c), lease_id: 'other', action: 'complete' },
      { id: a.id, ...held(a), action: 'complete', result: [1], completion_token: 't' },
    ]
    const first = await world.post(jobPaths.finishMany, { jobs })
    expect(first).toMatchObject({
      status: 200,
      body: {
        results: [
          { ok: true, id: d.id, status: 'queued' },
          { ok: true, id: b.id, status: 'failed' },
          { ok: false, id: 4711, code: 'not_found' },
          { ok: false, id: c.id, code: 'lease_lost' },
          { ok: true, id: a.id, status: 'completed' },
        ],
      },
    })
    expect((await world.rows()).map(({ status }) => status)).toEqual(['completed', 'failed', 'processing', 'queued'])
    expect(await world.post(jobPaths.finishMany, { jobs: jobs.slice(4) })).toMatchObject({
      body: { results: [{ ok: true, id: a.id, status: 'completed' }] },
    })
  })

  it('takes uuids beside numbers where many are finished or renewed', async () => {
    await world.jobs(3, { status: 'queued' })
    const [a, b, c] = await worker.lease({ limit: 3 })
    if (!a || !b || !c) throw new Error('three jobs were there')
    const uuids = [randomUUID(), randomUUID(), randomUUID()]
    for (const [at, { id }] of [a, b, c].entries())
      await world.sql`update jobs set uuid = ${uuids[at] ?? ''}::text where id = ${id}::bigint`
    const nobody = randomUUID()
    const named = [
      { id: nobody, ...held(a) },
      { id: uuids[0]?.toUpperCase(), ...held(a) },
      { id: b.id, ...held(b) },
      { id: uuids[2], ...held(c), lease_id: 'other' },
    ]
    const rest = [
      { ok: true, id: a.id },
      { ok: true, id: b.id },
      { ok: false, id: c.id, code: 'lease_lost' },
    ]
    const ofNobody = { ok: false, id: nobody, code: 'not_found', detail: `there is no job ${nobody}` }
    const renewed = await world.post(jobPaths.renewMany, { jobs: named })
    expect(renewed.body).toMatchObject({ results: [ofNobody, ...rest] })
    const long = await world.post(jobPaths.renewMany, { jobs: named.map((job) => ({ ...job, lease_seconds: 86_400 })) })
    expect([long.status, Object(long.body).errors?.[0]?.path]).toEqual([422, 'jobs.1.lease_seconds'])
    const jobs = named.map((job) => ({ ...job, action: 'complete' }))
    const twice = { jobs: [...jobs.slice(1), { id: uuids[1], ...held(b), action: 'complete' }] }
    expect(await world.post(jobPaths.finishMany, twice)).toMatchObject({ status: 422 })
    for (const id of ['x', `${nobody} `, '7', '', null, 0, 1.5])
      expect([id, (await world.post(jobPaths.renewMany, { jobs: [{ id, ...held(a) }] })).status]).toEqual([id, 422])
    const minimal = await world.post(jobPaths.finishMany, { jobs: [jobs[0]] }, { prefer: 'return=minimal' })
    expect(minimal.body).toEqual({ ok: 0, failed: [{ index: 0, code: 'not_found' }] })
    expect((await world.post(jobPaths.finishMany, { jobs })).body).toMatchObject({ results: [ofNobody, ...rest] })
    expect((await world.rows()).map(({ status }) => status)).toEqual(['completed', 'completed', 'processing'])
  })

  it('takes a result of JOBS_MAX_JSON_BYTES bytes, and refuses what is a byte larger', async () => {
    const job = await running()
    for (const [step, field] of [
      ['complete', 'result'],
      ['fail', 'error_stack'],
    ] as const) {
      const body = { ...held(job), ...(step === 'fail' && { error: 'e' }), [field]: 'x'.repeat(1999) }
      expect(await world.post(jobPath(job.id, step), body)).toMatchObject({ status: 413, body: { code: 'too_large' } })
    }
    expect(await worker.complete(job, { result: 'x'.repeat(1998) })).toMatchObject({ status: 'completed' })
  })
})

describe.each(kinds)('a server on %s that requires completion tokens', (kind) => {
  it('finishes nothing without one', async () => {
    const world = await openWorld(kind, { JOBS_REQUIRE_COMPLETION_TOKEN: 'true' })
    try {
      await world.clear()
      const worker = workerOf(world.post)
      await world.jobs(1, { status: 'queued' })
      const job = await worker.take()
      const before = await world.fingerprint()
      for (const [step, body] of [
        ['complete', {}],
        ['fail', { error: 'e' }],
        ['release', { completion_token: ' ' }],
      ] as const) {
        expect(await world.post(jobPath(job.id, step), { ...held(job), ...body })).toMatchObject({
          status: 422,
          body: { errors: [{ path: 'completion_token' }] },
        })
      }
      const many = { jobs: [{ id: job.id, ...held(job), action: 'release' }] }
      expect(await world.post(jobPaths.finishMany, many)).toMatchObject({ status: 422 })
      expect(await world.fingerprint()).toBe(before)
      expect(await worker.complete(job, { completion_token: 't' })).toMatchObject({ status: 'completed' })
    } finally {
      await world.stop()
    }
  })
})

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { everyKind } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { insertRows } from '../../support/database/tables.ts'
import { justNow } from '../../support/differences.ts'
import { held, jobPath, jobPaths, workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

const base = { domain: 'chatbooks', queue: 'default', job_type: 'export', status: 'queued' }
const secondsFromNow = (time: unknown) => (Date.parse(String(time)) - Date.now()) / 1000

describe.each(everyKind)('acquire on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind, { JOBS_LEASE_MAX_SECONDS: '600' })
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  it('leases a job: a new lease id, the worker, the times, and one event', async () => {
    const made = await worker.enqueue()
    const job = await worker.take({ worker_id: 'w 1', lease_seconds: 300 })

    const lease = { status: 'processing', worker_id: 'w 1', lease_id: expect.stringMatching(/^[\da-f-]{36}$/) }
    expect(job).toMatchObject({ id: made.id, payload: made.payload, ...lease, retry_count: 0 })
    expect((await world.rows())[0]).toMatchObject({ ...lease, started_at: justNow, acquired_at: justNow })
    expect(secondsFromNow(job.leased_until)).toBeGreaterThan(290)
    expect(secondsFromNow(job.leased_until)).toBeLessThanOrEqual(300.5)
    expect((await world.steps()).map(({ event_type }) => event_type)).toEqual(['job.created', 'job.acquired'])
    expect(await worker.lease()).toEqual([])
  })

  it('goes by priority, then by the time at which a job is due, then by id; without a priority comes last', async () => {
    const at = { early: ago(500), late: ago(100) }
    const rows = [
      { priority: null, created_at: ago(9000) },
      { priority: 5, created_at: at.late },
      { priority: 5, created_at: at.late },
      { priority: 5, created_at: ago(9000), available_at: ago(50) },
      { priority: 10, created_at: ago(9000) },
      { priority: 1, created_at: at.late },
      { priority: 1, created_at: ago(9000), available_at: ago(-60) },
      { priority: 5, created_at: at.late, available_at: at.early },
    ]
    const ids = await insertRows(
      world.sql,
      rows.map((row) => ({ ...base, ...row })),
    )
    const order = [5, 7, 1, 2, 3, 4, 0].map((n) => ids[n])

    const first = await worker.lease({ limit: 3 })
    const rest = await worker.lease({ limit: 100 })
    expect([...first, ...rest].map(({ id }) => id)).toEqual(order)
  })

  it('takes at most as many as requested, each under a lease of its own', async () => {
    await world.jobs(120, { status: 'queued' })
    expect(await worker.lease()).toHaveLength(1)
    const jobs = await worker.lease({ limit: 100 })
    expect(jobs).toHaveLength(100)
    expect(new Set(jobs.map(({ lease_id }) => lease_id)).size).toBe(100)
    expect(await worker.lease({ limit: 100 })).toHaveLength(19)
  })

  it('gives no job to two of many callers at once', async () => {
    await world.jobs(200, { status: 'queued' })
    const calls = Array.from({ length: 40 }, (_, n) => worker.lease({ worker_id: `w${n}`, limit: 7 }))
    const ids = (await Promise.all(calls)).flat().map(({ id }) => id)
    expect(ids).toHaveLength(200)
    expect(new Set(ids).size).toBe(200)
  })

  it('takes jobs of the requested queue, job types and owner alone', async () => {
    const wanted = await worker.enqueue({ job_type: 'b', owner_user_id: 'o' })
    for (const other of [{ domain: 'other' }, { queue: 'other' }, { job_type: 'c' }, { owner_user_id: 'p' }, {}]) {
      await worker.enqueue({
        job_type: 'b',
        owner_user_id: 'o',
        ...other,
        ...(Object.keys(other).length === 0 && { owner_user_id: null }),
      })
    }
    const request = { limit: 10, job_types: ['a', 'b', 'it\'s {"odd"}, \\ too'], owner_user_id: 'o' }
    expect(await worker.lease(request)).toMatchObject([{ id: wanted.id }])
    expect(await worker.lease(request)).toEqual([])
    expect(await worker.lease({ limit: 10, job_types: ['b'] })).toHaveLength(2)
    expect(await worker.lease({ limit: 10 })).toHaveLength(1)
    expect(await worker.lease({ limit: 10, queue: 'other' })).toHaveLength(1)
  })

  it('takes over a lease that has run out, as one failed attempt, and locks its first worker out', async () => {
    await worker.enqueue()
    const first = await worker.take()
    await world.sql`update jobs set leased_until = now() - interval '1 second'`

    const second = await worker.take({ worker_id: 'worker-2' })

    expect(second).toMatchObject({ id: first.id, worker_id: 'worker-2', retry_count: 1, error_code: 'lease_expired' })
    expect(second.failure_timeline).toMatchObject([{ error_code: 'lease_expired' }])
    expect(second.lease_id).not.toBe(first.lease_id)
    const before = await world.fingerprint()
    for (const step of ['renew', 'complete', 'release'] as const) {
      expect(await world.post(jobPath(first.id, step), held(first))).toMatchObject({
        status: 409,
        body: { code: 'lease_lost' },
      })
    }
    expect(await world.fingerprint()).toBe(before)
  })

  it('takes back more expired leases than one call may, and leases that never had an end', async () => {
    await world.jobs(130, { status: 'processing', leased_until: ago(10), max_retries: 9 })
    await world.jobs(5, { status: 'processing', leased_until: null })
    await world.jobs(2, { status: 'processing', leased_until: ago(10), queue: 'other' })
    const jobs = [...(await worker.lease({ limit: 100 })), ...(await worker.lease({ limit: 100 }))]
    expect(jobs).toHaveLength(135)
    expect(
      (await world.rows()).filter(({ queue, lease_id }) => queue === 'other' && lease_id === 'lease-1'),
    ).toHaveLength(2)
  })

  it('fails what lost its lease and is out of retries, instead of handing it out again', async () => {
    await world.jobs(1, { status: 'processing', leased_until: ago(10), retry_count: 3, max_retries: 3 })
    expect(await worker.lease()).toEqual([])
    expect((await world.rows())[0]).toMatchObject({
      status: 'failed',
      error_message: 'lease_expired',
      completed_at: justNow,
    })
  })

  it('takes back nothing, and hands out nothing, where the queue is stopped', async () => {
    await world.jobs(1, { status: 'processing', leased_until: ago(10) })
    await world.jobs(1, { status: 'queued' })
    await world.sql`insert into job_queue_controls (domain, queue, paused) values ('chatbooks', 'default', true)`
    const before = await world.fingerprint()
    expect(await worker.lease({ limit: 10 })).toEqual([])
    expect(await world.fingerprint()).toBe(before)
  })

  it('leases for no longer than the server allows', async () => {
    await worker.enqueue()
    const body = { domain: 'chatbooks', worker_id: 'w', lease_seconds: 601 }
    expect(await world.post(jobPaths.acquire, body)).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'lease_seconds', message: expect.stringContaining('at most 600') }] },
    })
    expect(secondsFromNow((await worker.take({ lease_seconds: 600 })).leased_until)).toBeGreaterThan(595)
  })

  it('forgets what an earlier attempt left: its progress, its end, its token', async () => {
    await world.jobs(1, {
      status: 'queued',
      progress_percent: 40,
      progress_message: 'm',
      completion_token: 't',
      completed_at: ago(9),
    })
    await worker.take()
    expect((await world.rows())[0]).toMatchObject({
      ...{ progress_percent: null, progress_message: null, completion_token: null, completed_at: null },
    })
  })
})

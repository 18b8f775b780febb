import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../support/database/database.ts'
import { held, jobPath, jobPaths, workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

const lost = { status: 409, body: { code: 'lease_lost' } }

describe.each(kinds)('renew on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind, { JOBS_LEASE_MAX_SECONDS: '600' })
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  it('makes a lease longer, and never shorter', async () => {
    await worker.enqueue()
    const job = await worker.take({ lease_seconds: 100 })

    const same = await worker.renew(job, { lease_seconds: 1 })
    expect(same).toEqual({ id: job.id, leased_until: job.leased_until, cancel_requested: false })
    const longer = await worker.renew(job, { lease_seconds: 500 })
    expect(Date.parse(longer.leased_until) - Date.parse(same.leased_until)).toBeGreaterThan(395_000)
    expect((await world.rows())[0]).toMatchObject({ leased_until: longer.leased_until.replace('Z', '+00:00') })
  })

  it('keeps the progress, and the fields that the request leaves out', async () => {
    await worker.enqueue()
    const job = await worker.take()
    await worker.renew(job, { progress_percent: 12.5, progress_message: 'halb 📚' })
    await worker.renew(job)
    expect((await world.rows())[0]).toMatchObject({ progress_percent: 12.5, progress_message: 'halb 📚' })
    await worker.renew(job, { progress_percent: 100 })
    expect((await world.rows())[0]).toMatchObject({ progress_percent: 100, progress_message: 'halb 📚' })
  })

  it('writes no event', async () => {
    await worker.enqueue()
    const job = await worker.take()
    const before = await world.steps()
    for (let n = 0; n < 3; n++) await worker.renew(job)
    expect(await world.steps()).toEqual(before)
  })

  it('tells that somebody wants the job to end', async () => {
    await worker.enqueue()
    const job = await worker.take()
    await worker.cancel(job.id)
    expect(await worker.renew(job)).toMatchObject({ cancel_requested: true })
  })

  it('still renews a lease that has run out, and that nobody has taken over', async () => {
    await worker.enqueue()
    const job = await worker.take()
    await world.sql`update jobs set leased_until = now() - interval '1 hour'`
    await worker.renew(job)
    expect(await worker.lease({ worker_id: 'worker-2' })).toEqual([])
  })

  it('says lease_lost to whoever does not hold the job, not_found where there is none, and changes nothing', async () => {
    await worker.enqueue()
    const job = await worker.take()
    const before = await world.fingerprint()

    expect(await world.post(jobPath(job.id, 'renew'), { ...held(job), worker_id: 'other' })).toMatchObject(lost)
    expect(await world.post(jobPath(job.id, 'renew'), { ...held(job), lease_id: 'other' })).toMatchObject(lost)
    expect(await world.post(jobPath(4711, 'renew'), held(job))).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    })
    expect(await world.fingerprint()).toBe(before)
    await worker.complete(job)
    expect(await world.post(jobPath(job.id, 'renew'), held(job))).toMatchObject(lost)
  })

  it('renews many at once, each on its own and in the order of the request', async () => {
    await world.jobs(3, { status: 'queued' })
    const [first, second, third] = await worker.lease({ limit: 3 })
    if (!first || !second || !third) throw new Error('three jobs were there')
    await worker.cancel(third.id)
    const jobs = [
      { id: third.id, ...held(third) },
      { id: second.id, ...held(second), lease_id: 'other' },
      { id: 4711, ...held(first) },
      { id: first.id, ...held(first), lease_seconds: 500, progress_percent: 1 },
    ]
    expect(await world.post(jobPaths.renewMany, { jobs })).toMatchObject({
      status: 200,
      body: {
        results: [
          { ok: true, id: third.id, cancel_requested: true },
          { ok: false, id: second.id, code: 'lease_lost' },
          { ok: false, id: 4711, code: 'not_found' },
          { ok: true, id: first.id, cancel_requested: false },
        ],
      },
    })
  })

  it('renews for no longer than the server allows', async () => {
    await worker.enqueue()
    const job = await worker.take()
    const tooLong = { ...held(job), lease_seconds: 601 }
    expect(await world.post(jobPath(job.id, 'renew'), tooLong)).toMatchObject({ status: 422 })
    expect(await world.post(jobPaths.renewMany, { jobs: [{ id: job.id, ...tooLong }] })).toMatchObject({ status: 422 })
  })
})

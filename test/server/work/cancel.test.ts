import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../support/database/database.ts'
import { differences, each, justNow } from '../../support/differences.ts'
import { held, jobPath, workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(kinds)('cancel on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind)
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  it('ends a queued job at once, and says why in the row and in the event', async () => {
    const ids = await world.jobs(1, { status: 'queued' })
    await world.jobs(1, { status: 'queued' })
    const before = await world.rows()

    const answer = await worker.cancel(ids[0] ?? 0, { reason: 'zu alt 📚' })

    expect(answer).toEqual({ id: ids[0], status: 'cancelled', cancel_requested: false, dependents: 0 })
    expect(differences(before, await world.rows())).toEqual(
      each(ids, { status: 'cancelled', cancelled_at: justNow, cancellation_reason: 'zu alt 📚' }),
    )
    expect(await world.steps()).toMatchObject([
      { event_type: 'job.cancelled', attrs_json: { reason: 'zu alt 📚', caller: 'single-user', terminal: true } },
    ])
  })

  it('asks a running job to end: its worker hears it at its next renewal, and releases it', async () => {
    await world.jobs(1, { status: 'queued' })
    const job = await worker.take()

    expect(await worker.cancel(job.id)).toEqual({
      ...{ id: job.id, status: 'processing', cancel_requested: true, dependents: 0 },
    })
    expect((await world.rows())[0]).toMatchObject({ status: 'processing', cancel_requested_at: justNow, ...held(job) })
    expect(await worker.renew(job)).toMatchObject({ cancel_requested: true })
    expect(await worker.release(job)).toMatchObject({ status: 'cancelled' })
    expect((await world.rows())[0]).toMatchObject({ status: 'cancelled', cancelled_at: justNow, completed_at: null })
    expect((await world.steps()).map(({ event_type }) => event_type)).toEqual([
      ...['job.acquired', 'job.cancel_requested', 'job.cancelled'],
    ])
  })

  it('names the running jobs that were asked to end to a call of their worker that waits, and not those it knows', async () => {
    await world.jobs(3, { status: 'queued' })
    const [first, second] = await worker.lease({ limit: 2, worker_id: 'w-1' })
    const other = await worker.take({ worker_id: 'w-2' })
    if (!first || !second) throw new Error('two jobs were there')
    const asks = (worker_id: string, more: object = {}) =>
      world.post('/api/v1/jobs/cancel_requests', { worker_id, ...more }).then(({ body }) => body)
    expect(await asks('w-1')).toEqual({ ids: [] })
    await worker.cancel(other.id)
    const waiting = asks('w-1', { wait_seconds: 60 })
    // Another program that knows no server asks as well.
    await world.sql`update jobs set cancel_requested_at = now() where id = ${first.id}`
    expect(await waiting).toEqual({ ids: [first.id] })
    const next = asks('w-1', { known: [first.id], wait_seconds: 60 })
    await worker.cancel(second.id)
    expect(await next).toEqual({ ids: [second.id] })
    expect(await asks('w-1', { known: [first.id, second.id] })).toEqual({ ids: [] })
    expect(await asks('w-2')).toEqual({ ids: [other.id] })
    await worker.release(other)
    expect(await asks('w-2', { wait_seconds: 1 })).toEqual({ ids: [] })
  })

  it('lets a job whose cancellation is requested complete all the same, and does not try it again when it fails', async () => {
    await world.jobs(2, { status: 'queued' })
    const [first, second] = await worker.lease({ limit: 2 })
    if (!first || !second) throw new Error('two jobs were there')
    for (const { id } of [first, second]) await worker.cancel(id)
    expect(await worker.complete(first)).toMatchObject({ status: 'completed' })
    expect(await worker.fail(second)).toMatchObject({ status: 'cancelled' })
  })

  it('does not start a job again whose worker is gone after its cancellation was requested', async () => {
    await world.jobs(1, { status: 'queued' })
    const job = await worker.take()
    await worker.cancel(job.id)
    await world.sql`update jobs set leased_until = now() - interval '1 second'`
    expect(await worker.lease()).toEqual([])
    expect((await world.rows())[0]).toMatchObject({ status: 'cancelled', cancelled_at: justNow })
  })

  it('ends a running job now with force, and locks its worker out', async () => {
    await world.jobs(1, { status: 'queued' })
    const job = await worker.take()
    expect(await worker.cancel(job.id, { force: true })).toMatchObject({ status: 'cancelled' })
    expect((await world.rows())[0]).toMatchObject({ status: 'cancelled', cancelled_at: justNow, leased_until: null })
    const before = await world.fingerprint()
    for (const step of ['renew', 'complete'] as const) {
      expect((await world.post(jobPath(job.id, step), held(job))).status).toBe(409)
    }
    expect(await world.fingerprint()).toBe(before)
  })

  it('can be requested twice, and changes nothing the second time', async () => {
    const [queued = 0] = await world.jobs(1, { status: 'queued' })
    await world.jobs(1, { status: 'queued', priority: 1 })
    const job = await worker.take()
    for (const id of [queued, job.id]) await worker.cancel(id, { reason: 'first' })
    const before = await world.fingerprint()
    expect(await worker.cancel(queued, { reason: 'second' })).toMatchObject({ status: 'cancelled' })
    expect(await worker.cancel(job.id)).toMatchObject({ status: 'processing', cancel_requested: true })
    expect(await world.fingerprint()).toBe(before)
  })

  it.each(['completed', 'failed', 'quarantined'])('refuses a job that is %s', async (status) => {
    const [id = 0] = await world.jobs(1, { status })
    const before = await world.fingerprint()
    for (const force of [false, true]) {
      expect(await world.post(jobPath(id, 'cancel'), { force })).toMatchObject({
        status: 409,
        body: { code: 'conflict' },
      })
    }
    expect(await world.post(jobPath(4711, 'cancel'), {})).toMatchObject({ status: 404 })
    expect(await world.fingerprint()).toBe(before)
  })

  it('ends a job once when it is cancelled and taken at the same time', async () => {
    const ids = await world.jobs(20, { status: 'queued' })
    const [leased] = await Promise.all([
      Promise.all(ids.map(() => worker.lease())),
      Promise.all(ids.map((id) => worker.cancel(id))),
    ])
    const rows = await world.rows()
    for (const job of leased.flat()) {
      expect(rows.find(({ id }) => id === job.id)).toMatchObject({ status: 'processing', cancel_requested_at: justNow })
    }
    expect(rows.filter(({ status }) => status === 'cancelled')).toHaveLength(20 - leased.flat().length)
  })
})

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../../support/database/database.ts'
import { ago } from '../../../support/database/job-row.ts'
import { each, justNow } from '../../../support/differences.ts'
import { addEdge, changeBy, filteredPaths, operationOf, undoOf } from '../../../support/filtered.ts'
import { workerOf } from '../../../support/worker.ts'
import { openWorld, type World } from '../../../support/world.ts'

describe.each(kinds)('a cancel of many jobs on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())
  const cancel = (body: object) => changeBy(world, filteredPaths.cancel, { domain: 'chatbooks', ...body })

  it('ends queued jobs, asks the workers of running ones, and touches no other row or column', async () => {
    const queued = await world.jobs(2, { status: 'queued' })
    const running = await world.jobs(1, { status: 'processing' })
    for (const status of ['completed', 'failed', 'cancelled', 'quarantined']) await world.jobs(1, { status })
    await world.jobs(1, { status: 'queued', domain: 'other' })
    const dry = await world.post(filteredPaths.cancel, { domain: 'chatbooks', dry_run: true })
    expect(dry.body).toMatchObject({ affected: 3, cancelled: 2, asked: 1 })

    const { status, body, changed } = await cancel({})
    expect({ status, body }).toMatchObject({ status: 200, body: { affected: 3, cancelled: 2, asked: 1 } })
    expect(changed).toEqual({
      ...each(queued, { status: 'cancelled', cancelled_at: justNow, cancellation_reason: 'batch_cancel' }),
      ...each(running, { cancel_requested_at: justNow, cancellation_reason: 'batch_cancel' }),
    })
    const events = (await world.steps()).map(({ job_id, event_type }) => `${job_id} ${event_type}`)
    expect(events.sort()).toEqual([
      ...queued.map((id) => `${id} job.cancelled`),
      ...running.map((id) => `${id} job.cancel_requested`),
    ])
    expect((await cancel({})).body).toMatchObject({ affected: 0 })
  })

  it('with force ends running jobs, too, those that were asked included, and keeps the reason', async () => {
    const running = await world.jobs(1, { status: 'processing', leased_until: ago(-60) })
    const asked = await world.jobs(1, { status: 'processing', cancel_requested_at: ago(60) })
    const { body, changed } = await cancel({ force: true, reason: 'disk full' })
    expect(body).toMatchObject({ affected: 2, cancelled: 2, asked: 0 })
    expect(changed[running[0] ?? 0]).toMatchObject({ status: 'cancelled', leased_until: null })
    expect(changed[asked[0] ?? 0]).toMatchObject({ status: 'cancelled', cancellation_reason: 'disk full' })
    expect(changed[asked[0] ?? 0]).not.toHaveProperty('cancel_requested_at')
  })

  it('takes dependents along, counts them before, and an undo gives all of them back', async () => {
    const [first, second, third] = await world.jobs(3, { status: 'queued', queue: 'low' })
    await world.sql`update jobs set queue = 'default' where id <> ${first ?? 0}::bigint`
    await addEdge(world, second, first)
    await addEdge(world, third, second)
    const dry = await world.post(filteredPaths.cancel, { queue: 'low', dry_run: true })
    expect(dry.body).toMatchObject({ affected: 1, preview: { dependents: 2, restorable: 1 } })
    const before = await world.rows()
    const { body, ids } = await cancel({ queue: 'low' })
    expect(ids).toEqual([first, second, third])
    expect((await undoOf(world, operationOf(body))).body).toMatchObject({ affected: 3, conflict_count: 0 })
    const after = await world.rows()
    expect(after.map(({ updated_at: _, ...row }) => row)).toEqual(before.map(({ updated_at: _, ...row }) => row))
  })

  describe('of running jobs', () => {
    const take = async (n: number) => {
      await world.jobs(n, { status: 'queued' })
      return workerOf(world.post).lease({ limit: n, lease_seconds: 600 })
    }
    const requested = () =>
      world.sql`select from jobs where cancel_requested_at is not null or cancellation_reason is not null`.then(
        ({ count }) => count,
      )

    it('is withdrawn by its undo where the worker has not heard of it, with their number', async () => {
      const [first, second, third, fourth] = await take(4)
      if (!first || !second || !third || !fourth) throw new Error('four jobs were there')
      const worker = workerOf(world.post)
      const before = await world.rows()
      const { body } = await cancel({})
      expect(body).toMatchObject({ asked: 4 })
      // The second lease is not longer than the first one, and tells the worker all the same.
      expect(await worker.renew(first, { lease_seconds: 600 })).toMatchObject({ cancel_requested: true })
      expect(await worker.renew(second, { lease_seconds: 5 })).toMatchObject({ cancel_requested: true })
      await worker.complete(third)
      const undone = (await undoOf(world, operationOf(body))).body
      expect(undone).toMatchObject({ affected: 1, withdrawn: 1, conflict_count: 3 })
      expect(JSON.stringify(undone)).toContain('its worker has heard that it is to end it')
      expect(await requested()).toBe(3)
      const after = await world.rows()
      const rowOf = (rows: typeof after) => ({ ...rows.find(({ id }) => id === fourth.id), updated_at: null })
      expect(rowOf(after)).toEqual(rowOf(before))
      expect(await worker.renew(fourth)).toMatchObject({ cancel_requested: false })
      expect(await worker.complete(fourth)).toMatchObject({ status: 'completed' })
    })

    it('is said on the command line', async () => {
      await take(2)
      expect((await world.jobsctl(['cancel', '--all', '--yes'])).code).toBe(0)
      const [record] = await world.sql<{ id: number }[]>`select id from job_operations where kind = 'cancel'`
      const undone = await world.jobsctl(['undo', String(record?.id), '--yes'])
      expect(undone).toMatchObject({ code: 0 })
      expect(undone.err).toContain('note: of them 2 running jobs, no longer asked to end')
      expect(await requested()).toBe(0)
    })

    it('is not given back with force: they have lost their workers', async () => {
      await take(1)
      const { body } = await cancel({ force: true })
      expect((await undoOf(world, operationOf(body))).body).toMatchObject({
        affected: 0,
        conflicts: [{ reason: 'the job was running, and has lost its worker' }],
      })
    })
  })
})

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../../support/database/database.ts'
import { ago } from '../../../support/database/job-row.ts'
import { each } from '../../../support/differences.ts'
import { changeBy, filteredPaths, operationOf, undoOf } from '../../../support/filtered.ts'
import { openWorld, type World } from '../../../support/world.ts'

describe.each(kinds)('a reclaim of running jobs on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())
  const reclaim = (body: object) => changeBy(world, filteredPaths.reclaim, body)
  const running = { status: 'processing', leased_until: ago(-3600), retry_count: 1, error_code: 'e' }
  const back = { status: 'queued', leased_until: null, lease_id: null, worker_id: null }

  it('puts the jobs of a worker, or of all workers with a prefix, back as if they had not been picked up', async () => {
    const one = await world.jobs(1, { ...running, worker_id: 'pod-17-a' })
    const two = await world.jobs(1, { ...running, worker_id: 'pod-17-b' })
    const odd = await world.jobs(1, { ...running, worker_id: 'pod-1_%' })
    await world.jobs(1, { ...running, worker_id: 'pod-2' })
    await world.jobs(1, { status: 'failed', worker_id: 'pod-17-a' })
    expect((await reclaim({ worker_id: 'pod-17-a' })).changed).toEqual(each(one, back))
    expect((await reclaim({ worker_prefix: 'pod-1_' })).changed).toEqual(each(odd, back))
    expect((await reclaim({ worker_prefix: 'pod-17' })).changed).toEqual(each(two, back))
    const events = (await world.steps()).map(({ event_type }) => event_type)
    expect(events).toEqual(['job.reclaimed', 'job.reclaimed', 'job.reclaimed'])
  })

  it('with count_attempt counts a failed attempt', async () => {
    const ids = await world.jobs(1, running)
    const { changed } = await reclaim({ domain: 'chatbooks', count_attempt: true })
    expect(changed[ids[0] ?? 0]).toMatchObject({ status: 'queued', retry_count: 2, error_code: 'lease_expired' })
  })

  it('cancels a job whose end was asked for, and the jobs that need it', async () => {
    const ids = await world.jobs(1, { ...running, cancel_requested_at: ago(60) })
    expect((await reclaim({ domain: 'chatbooks' })).changed[ids[0] ?? 0]).toMatchObject({ status: 'cancelled' })
  })

  it('takes the lease from a worker that is alive, and no undo gives it back', async () => {
    const [id] = await world.jobs(1, { ...running, lease_id: 'lease-7', worker_id: 'w' })
    const { body } = await reclaim({ domain: 'chatbooks' })
    const report = { worker_id: 'w', lease_id: 'lease-7', result: {} }
    expect(await world.post(`/api/v1/jobs/${id}/complete`, report)).toMatchObject({
      status: 409,
      body: { code: 'lease_lost' },
    })
    expect(await undoOf(world, operationOf(body))).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('cannot be undone: it is a reclaim') },
    })
  })
})

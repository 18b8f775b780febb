import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../../support/database/database.ts'
import { ago } from '../../../support/database/job-row.ts'
import { each } from '../../../support/differences.ts'
import { changeBy, filteredPaths, operationOf, undoOf } from '../../../support/filtered.ts'
import { openWorld, type World } from '../../../support/world.ts'

/** Times are compared in hours, so that no machine is too slow for them. */
const hour = 3_600_000
const domain = 'chatbooks'

describe.each(kinds)('the times and the priority of queued jobs on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  /** The jobs that a change moved, with hours from now until they are due. */
  async function moved(body: object, path = filteredPaths.reschedule) {
    const { status, changed, body: answer } = await changeBy(world, path, { domain, ...body })
    expect(status).toBe(200)
    const hours = Object.entries(changed).map(([id, row]) => [
      Number(id),
      Math.round((Date.parse(String(row.available_at)) - Date.now()) / hour) + 0,
    ])
    return { changed: Object.fromEntries(hours), answer }
  }

  it('moves them to a delay, to a time, by a duration, and to now', async () => {
    const [due = 0, late = 0] = [
      ...(await world.jobs(1, { status: 'queued', available_at: ago(10 * 3600) })),
      ...(await world.jobs(1, { status: 'queued', available_at: ago(-60 * 3600) })),
    ]
    for (const status of ['processing', 'failed', 'completed']) await world.jobs(1, { status })
    expect((await moved({})).changed).toEqual({ [late]: 0 })
    expect((await moved({ delay_seconds: 60 * 3600 })).changed).toEqual({ [due]: 60, [late]: 60 })
    expect((await moved({ by_seconds: -10 * 3600 })).changed).toEqual({ [due]: 50, [late]: 50 })
    expect((await moved({ available_at: ago(-120 * 3600) })).changed).toEqual({ [due]: 120, [late]: 120 })
    expect((await moved({ by_seconds: 3600, ids: [due] })).changed).toEqual({ [due]: 121 })
  })

  it('gives a job without a time its creation as the start', async () => {
    const [id = 0] = await world.jobs(1, { status: 'queued', available_at: null, created_at: ago(10 * 3600) })
    expect((await moved({ by_seconds: 20 * 3600 })).changed).toEqual({ [id]: 10 })
  })

  it('spreads them, and an undo gives each its own time back', async () => {
    await world.jobs(10, { status: 'queued', available_at: ago(600) })
    const before = (await world.rows()).map(({ available_at }) => available_at)
    const { changed, answer } = await moved({ delay_seconds: 60 * 3600, spread_seconds: 60 * 3600 })
    expect(new Set(Object.values(changed)).size).toBeGreaterThan(1)
    for (const hours of Object.values(changed)) {
      expect(hours).toBeGreaterThanOrEqual(59)
      expect(hours).toBeLessThanOrEqual(121)
    }
    await undoOf(world, operationOf(answer))
    expect((await world.rows()).map(({ available_at }) => available_at)).toEqual(before)
  })

  it('takes the fields of existing clients at their path', async () => {
    const [id = 0] = await world.jobs(1, { status: 'queued', available_at: ago(-60 * 3600) })
    const shift = { set_now: false, delta_seconds: 10 * 3600 }
    expect((await moved(shift, filteredPaths.shift)).changed).toEqual({ [id]: 70 })
    expect((await moved({}, filteredPaths.shift)).changed).toEqual({ [id]: 0 })
    const without = await world.confirm(filteredPaths.shift, { domain, set_now: false })
    expect(without).toMatchObject({ status: 422, body: { errors: [{ path: 'delta_seconds' }] } })
  })

  it.each([
    { delay_seconds: 1, by_seconds: 1 },
    { delay_seconds: -1 },
    { delay_seconds: 1.5 },
    { available_at: 'soon' },
    { available_at: '2026-01-01T00:00:00Z', delay_seconds: 0 },
    { by_seconds: 10 ** 12 },
    { spread_seconds: 0 },
  ])('refuses %j', async (body) => {
    expect((await world.confirm(filteredPaths.reschedule, { domain, ...body })).status).toBe(422)
  })

  it('keeps times that are infinite or at the end of the calendar', async () => {
    await world.jobs(1, { status: 'queued' })
    await world.sql`update jobs set available_at = 'infinity'`
    expect((await changeBy(world, filteredPaths.reschedule, { domain, by_seconds: 60 })).status).toBe(200)
  })

  it('sets the priority of queued jobs that have another one, and an undo restores it', async () => {
    const ids = await world.jobs(2, { status: 'queued' })
    await world.jobs(1, { status: 'queued', priority: 1 })
    await world.jobs(1, { status: 'failed' })
    const { body, changed } = await changeBy(world, filteredPaths.priority, { domain, priority: 1 })
    expect(changed).toEqual(each(ids, { priority: 1 }))
    await undoOf(world, operationOf(body))
    expect((await world.rows()).map(({ priority }) => priority)).toEqual([5, 5, 1, 5])
    for (const priority of [0, 11, 1.5, '1', null, undefined]) {
      expect((await world.confirm(filteredPaths.priority, { domain, priority })).status).toBe(422)
    }
  })
})

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  ask,
  changes,
  clearAll,
  codeOf,
  doneOf,
  expectIntact,
  prune,
  recordOf,
  refusing,
} from '../../../support/changes/bulk-tools.ts'
import { openWorld, type World } from '../../../support/world.ts'

/** Enough for several batches. */
const many = 1800

describe.each(['postgres'] as const)('the batches of a change on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  it('stand where a later one is refused, and the record says so', async () => {
    const ids = await world.jobs(many)
    const [last = 0] = await world.jobs(1, { days: 39 })
    await refusing(world, last, async () => {
      const answer = await ask(world, prune)
      expect(answer).toMatchObject({
        status: 503,
        body: { code: 'partial', detail: expect.stringContaining('not this one') },
      })
    })
    const record = await recordOf(world, 1)
    expect(record).toMatchObject({ state: 'partial', error: expect.stringContaining('not this one') })
    expect(record.affected).toBeGreaterThan(0)
    expect(await world.count()).toBe(ids.length + 1 - record.affected)
    const perBatch = (await world.events()).map(({ attrs_json }) => Number(attrs_json.affected))
    expect(perBatch.reduce((sum, jobs) => sum + jobs, 0)).toBe(record.affected)
    expect(doneOf(await ask(world, prune)).affected).toBe(ids.length + 1 - record.affected)
    await expectIntact(world)
  })

  it('come to an end where more jobs ended in one moment than any batch takes', async () => {
    const [one = 0] = await world.jobs(1, { domain: 'chatbooks' })
    await world.sql`
      insert into jobs (uuid, domain, queue, job_type, status, completed_at)
      select gen_random_uuid()::text, domain, queue, job_type, status, completed_at
      from jobs, generate_series(1, 20000)
      where id = ${one}::bigint`
    expect(doneOf(await ask(world, prune)).affected).toBe(20_001)
    expect(await world.count()).toBe(0)
    await expectIntact(world)
  })

  it('leave all as it was where the first one is refused', async () => {
    const [id = 0] = await world.jobs(3)
    const before = await world.fingerprint()
    await refusing(world, id, async () => expect(codeOf(await ask(world, prune))).toBe('409 conflict'))
    expect(await world.fingerprint()).toBe(before)
    expect(await recordOf(world, 1)).toMatchObject({ state: 'failed', affected: 0 })
    await expectIntact(world)
  })

  it.each(changes)('$name: are not made where the record cannot be kept', async (change) => {
    await world.jobs(3, change.wanted)
    const before = await world.fingerprint()
    await world.sql`alter table job_operations add constraint none check (affected = 0) not valid`
    try {
      expect(codeOf(await ask(world, change))).toBe('409 conflict')
      expect(await world.fingerprint()).toBe(before)
    } finally {
      await world.sql`alter table job_operations drop constraint none`
    }
    expect(doneOf(await ask(world, change)).affected).toBe(3)
  })

  it('are not made where the event cannot be written, and nobody is in the way then', async () => {
    await world.jobs(3)
    const before = await world.fingerprint()
    await world.sql`alter table job_events add constraint none check (event_type <> 'jobs.pruned') not valid`
    try {
      expect(codeOf(await ask(world, prune))).toBe('409 conflict')
      expect(await world.fingerprint()).toBe(before)
      expect(await recordOf(world, 1)).toMatchObject({ state: 'failed', affected: 0 })
    } finally {
      await world.sql`alter table job_events drop constraint none`
    }
    expect(doneOf(await ask(world, prune)).affected).toBe(3)
    await expectIntact(world)
  })

  it('are never reported as unchanged, where the record cannot be closed', async () => {
    await world.jobs(3)
    await world.sql`alter table job_operations add constraint none check (state <> 'done') not valid`
    try {
      expect(await ask(world, prune)).toMatchObject({
        status: 503,
        body: { code: 'partial', detail: expect.stringContaining('3 jobs were changed') },
      })
      expect(await world.count()).toBe(0)
    } finally {
      await world.sql`alter table job_operations drop constraint none`
    }
  })
})

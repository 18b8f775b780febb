import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countInSteps } from '../../../../server/bulk/preview/count-in-steps.ts'
import { kinds } from '../../../support/database/database.ts'
import { openWorld, type World } from '../../../support/world.ts'

describe.each(kinds)('a count in steps on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
    await world.jobs(3500, { status: 'failed' })
    await world.jobs(10, { status: 'queued' })
  })
  afterAll(() => world?.stop())

  const count = (steps: Parameters<typeof countInSteps>[2], status = 'failed') =>
    world.sql.begin((tx) => countInSteps(tx, tx`from jobs where status = ${status}`, steps))

  it('counts to the end and tells how far it has come', async () => {
    const told: number[] = []
    const goesOn = (counted: number) => told.push(counted) > 0
    expect(await count({ goesOn })).toBe(3500)
    expect(told).toEqual([1000, 3000, 3500])
    expect(await count({ goesOn }, 'cancelled')).toBe(0)
    expect(told.at(-1)).toBe(0)
  })

  it('ends where it is told to, and at its bound', async () => {
    expect(await count({ goesOn: (counted) => counted < 1000 })).toBe(1000)
    expect(await count({ goesOn: () => true, most: 1500 })).toBe(1500)
    expect(await count({ goesOn: () => true, most: 5000 })).toBe(3500)
  })
})

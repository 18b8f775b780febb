import { afterAll, beforeAll, expect, it } from 'vitest'
import { unlessForged } from '../../../server/endpoints/paging.ts'
import { openWorld, type World } from '../../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('postgres')
})
afterAll(() => world?.stop())

/** The error of a page whose data PostgreSQL cannot read, for a cursor with this key. */
const pageWith = (key: string) =>
  world.sql`select 1 / 0`.catch(unlessForged(world.sql, world.sql`${key}::text::timestamptz`))

it('a page blames the data for an error that its cursor does not raise', async () => {
  await expect(pageWith('2030-01-01T00:00:00Z')).rejects.toThrow('division by zero')
  await expect(pageWith('no time')).rejects.toThrow('is not a cursor')
})

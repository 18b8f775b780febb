import { afterAll, beforeAll, expect, it } from 'vitest'
import { isNoneOf } from '../../../server/database/job-ids.ts'
import { openWorld, type World } from '../../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('postgres')
})
afterAll(() => world?.stop())

it('the ids that a search leaves out are hashed, so that it compares no job with each of them', async () => {
  const ids = await world.jobs(20)
  const { sql } = world
  const leftOut = isNoneOf(sql, ids.slice(1))
  expect([...(await sql`select id from jobs where ${leftOut}`)]).toEqual([{ id: ids[0] }])
  const plan = await sql`explain select id from jobs where ${leftOut}`
  expect(JSON.stringify(plan)).toContain('hashed SubPlan')
})

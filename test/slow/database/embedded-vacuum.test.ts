import { afterEach, expect, it } from 'vitest'
import { until } from '../../support/poll.ts'
import { openWorld, type World } from '../../support/world.ts'

let world: World | undefined
afterEach(() => world?.stop())

it('an embedded database uses the room of deleted jobs again', async () => {
  world = await openWorld('embedded')
  const { sql, jobs } = world
  const bytes = async () => Number((await sql`select pg_relation_size('jobs') as bytes`)[0]?.bytes)
  const vacuums = async () =>
    Number((await sql`select vacuum_count from pg_stat_user_tables where relname = 'jobs'`)[0]?.vacuum_count)
  let first = 0
  for (let round = 0; round < 4; round += 1) {
    const before = await vacuums()
    await jobs(3000, { status: 'completed' })
    first ||= await bytes()
    expect(await bytes()).toBeLessThan(1.5 * first)
    await sql`delete from jobs`
    await until('jobs is vacuumed', async () => (await vacuums()) > before, 90_000)
  }
}, 400_000)

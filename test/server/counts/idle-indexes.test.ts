import { afterAll, beforeAll, expect, it } from 'vitest'
import { idleIndexes } from '../../../shared/endpoints.ts'
import { until } from '../../support/poll.ts'
import { openWorld, type World } from '../../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('postgres')
})
afterAll(() => world?.stop())

const idle = async () => idleIndexes.output.parse((await world.call('GET', idleIndexes.path)).body)
const line = async () => (await world.jobsctl(['doctor'])).out.split('\n').find((found) => found.startsWith('indexes'))

it('doctor names the indexes of other programs that cost each write and serve nothing', async () => {
  expect(await idle()).toEqual([])
  await world.sql`create index theirs_idle on jobs (trace_id)`
  await world.sql`create index theirs_used on jobs (request_id)`
  await world.sql`create unique index theirs_unique on jobs (uuid, trace_id)`
  await world.sql`create index theirs_twice on jobs (uuid)`
  await world.sql`create index theirs_in_bytes on jobs (trace_id collate "C")`
  // Covered by one that nobody has used either: one of the two is to stay.
  await world.sql`create index theirs_narrow on jobs (owner_user_id)`
  await world.sql`create index theirs_wide on jobs (owner_user_id, project_id)`
  await world.sql`alter table jobs add constraint theirs_exclusive exclude (worker_id with =)`
  await world.sql`create index theirs_partial on jobs (uuid) where status = 'failed'`
  // Not before others were used a lot, and it was not.
  expect((await idle()).map(({ index }) => index)).toEqual(['theirs_narrow', 'theirs_twice'])
  await world.sql`
    do $$ begin for n in 1..1200 loop perform from jobs where request_id = 'x'; perform from jobs where id = n; end loop; end $$`

  await until('the uses are counted', async () => (await idle()).length > 2)
  const found = await idle()

  const why = Object.fromEntries(found.map((index) => [index.index, index.why]))
  expect(why).toEqual({
    theirs_in_bytes: expect.stringMatching(/^never used/),
    theirs_idle: expect.stringMatching(/^never used/),
    theirs_narrow: 'covered by theirs_wide',
    theirs_partial: expect.stringMatching(/^never used/),
    theirs_twice: 'covered by jobs_uuid_key',
  })
  expect(await line()).toMatch(
    /^indexes\twarning\tthese indexes slow every write and are not used here: .*theirs_twice \(.+, covered by jobs_uuid_key\)/,
  )
})

import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { idleIndexes } from '../../../shared/endpoints.ts'
import { until } from '../../support/poll.ts'
import { openWorld, type World } from '../../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('postgres')
})
afterAll(() => world?.stop())
afterEach(() => void vi.useRealTimers())

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
  const told = await line()
  expect(told).toMatch(
    /^indexes\twarning\tthese indexes slow every write and are not used here: .*theirs_twice \(.+, covered by jobs_uuid_key\)/,
  )
  expect(told).toContain('may make it again at its next start, so change that program first')
  const statement = /drop index concurrently theirs_twice;/.exec(told ?? '')?.[0] ?? 'no statement'
  await world.sql.unsafe(statement)
  expect((await idle()).map(({ index }) => index)).not.toContain('theirs_twice')
})

it('doctor calls no index unused in a database that was just restored, whose statistics do not say since when they count', async (test) => {
  await world.sql`drop index if exists theirs_narrow, theirs_wide, theirs_twice`
  await world.sql`create index jobsctl_old on jobs (completion_token)`
  const [{ isOld } = { isOld: false }] = await world.sql<{ isOld: boolean }[]>`
    select current_setting('server_version_num')::int < 150000 as "isOld"`
  test.skip(isOld, 'PostgreSQL before 15 says since when it counts from the first use of a database on')
  const found = (await idle()).find(({ index }) => index === 'jobsctl_old')
  expect(found).toMatchObject({ why: 'never used', unused_since: null })
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 365 * 86_400_000 })
  expect(await line()).toBe('indexes\tok\tno index of jobs is known to be useless\t')
})

it('doctor names an unused index of another version of the server after a week of statistics, none of another program, and says since when', async () => {
  await world.sql`create index if not exists theirs_unused on jobs (last_error)`
  const resetAt = async () => {
    const [reset] = await world.sql<{ at: string | null }[]>`
      select stats_reset as at from pg_stat_database where datname = current_database()`
    return Date.parse(reset?.at ?? '')
  }
  const before = await resetAt()
  await world.sql`select pg_stat_reset()`
  // PostgreSQL before 15 resets and counts a little later.
  const since = await until('the statistics are reset', async () => {
    const now = await resetAt()
    return now === before ? undefined : now
  })
  await world.sql`do $$ begin for n in 1..1200 loop perform from jobs where id = n; end loop; end $$`
  await until('the uses are counted', async () => (await idle()).some(({ index }) => index === 'jobsctl_old'))
  const week = 7 * 86_400_000

  vi.useFakeTimers({ toFake: ['Date'], now: since + week - 60_000 })
  expect(await line()).toBe('indexes\tok\tno index of jobs is known to be useless\t')
  vi.setSystemTime(since + week + 60_000)
  const told = await line()
  expect(told).toContain(`jobsctl_old (8.2 kB, never used since ${new Date(since).toISOString().slice(0, 10)})`)
  expect(told).toContain('drop index concurrently jobsctl_old;')
  expect(told).not.toContain('theirs_unused')
})

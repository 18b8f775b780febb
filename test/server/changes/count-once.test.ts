import postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makePeople } from '../../support/changes/plans.ts'
import { newDatabase } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

/** The log of the PostgreSQL of the run, relative to its data directory. */
const logFile = '../log'

let world: World
beforeAll(async () => {
  const database = await newDatabase('postgres')
  const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1 })
  const [{ name }] = await sql<[{ name: string }]>`select current_database() as name`
  await sql`alter database ${sql(name)} set log_min_duration_statement = 0`
  await sql.end()
  world = await openWorld(
    'postgres',
    { AUTH_MODE: 'multi_user', JOBS_APPROVAL_ABOVE: '100' },
    Promise.resolve(database),
  )
})
afterAll(() => world?.stop())

it('a change without a preview counts its jobs once for its limit and for the approval', async () => {
  const { ann } = await makePeople(world.sql)
  await world.jobs(3, { domain: 'counted-once', status: 'completed', completed_at: '2020-01-01T00:00:00Z' })
  const [{ size }] = await world.sql<[{ size: string }]>`select size::text from pg_stat_file(${logFile})`
  const answer = await world.confirm(paths.prune, { domain: 'counted-once', max: 10 }, ann)
  expect(answer).toMatchObject({ status: 200, body: { deleted: 3 } })
  const counts = await until('the log has the batch', async () => {
    const [{ log }] = await world.sql<[{ log: string }]>`
      select convert_from(pg_read_binary_file(${logFile}, ${size}::text::bigint, 10000000), 'UTF8') as log`
    const entries = log.split(/^(?=\d{4}-\d\d-\d\d \S+ \S+ \[\d+\] )/m)
    const about = entries.flatMap((entry, at) => (entries[at + 1]?.includes("'counted-once'") ? [entry] : []))
    // The last statement about these jobs writes the event of the change.
    if (!about.some((entry) => entry.includes('delete'))) return undefined
    return about.filter((entry) => /execute [^:]+: \s*select pg_catalog\.count\(\*\) as count/.test(entry))
  })
  expect(counts).toHaveLength(1)
})

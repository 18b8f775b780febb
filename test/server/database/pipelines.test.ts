import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { holding, otherProgram } from '../../support/changes/bulk-tools.ts'
import { until } from '../../support/poll.ts'
import { openWorld, type World } from '../../support/world.ts'

const connections = 2

/** The driver as it is shipped: without a patch it sends a statement behind any other one where all connections are in use. */
describe('statements of a server whose connections are all in use', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres', {
      JOBS_DB_POOL: String(connections),
      ...{ JOBS_LOCK_TIMEOUT_SECONDS: '3600', JOBS_STATEMENT_TIMEOUT_SECONDS: '3600' },
    })
  })
  afterAll(() => world?.stop())

  it('wait for the first connection that is free, and not behind a statement that has waited for a while', async () => {
    const { sql } = world
    const other = otherProgram(world, 2)
    const stuckOnes = () => other`
      select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
    const letGo = await holding(other, (tx) => tx`select pg_advisory_xact_lock(4711)`)
    const stuck = sql`select pg_advisory_xact_lock(4711)`.execute()
    await until('it waits', async () => (await stuckOnes()).length === 1)
    // For longer than a statement that others may be sent behind.
    await wait(100)
    const slow = sql`select pg_sleep(0.3)`.execute()
    let answered = 0
    const statements = Array.from({ length: 10 }, async () => {
      await sql`select 1`
      answered += 1
    })
    const transactions = Array.from({ length: 5 }, () =>
      sql.begin(async (tx) => {
        await tx`select 1`
        answered += 1
      }),
    )
    const calls = Array.from({ length: 5 }, async () => {
      const acquisition = { domain: 'd', queue: 'q', worker_id: 'w' }
      expect((await world.post('/api/v1/jobs/acquire', acquisition)).status).toBe(200)
      answered += 1
    })
    try {
      await until('all of them are answered', () => answered === 20)
      expect(await stuckOnes()).toHaveLength(1)
    } finally {
      await letGo()
    }
    await Promise.all([stuck, slow, ...statements, ...transactions, ...calls])
    await other.end()
  })
})

/** The embedded database has one connection, on which up to 101 statements are sent before the first of them is answered. */
describe('a transaction that begins behind other statements on the connection of the embedded database', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('embedded')
    await world.sql`create table transactions (n int)`
  })
  afterAll(() => world?.stop())

  it.each([98, 99, 100, 101, 102])('commits as statement %i', async (nth) => {
    const { sql } = world
    const before = Array.from({ length: nth - 1 }, () => sql`select 1`.execute())
    const begun = sql.begin(async (tx) => {
      await tx`insert into transactions values (${nth})`
      const [row] = await tx<[{ n: number }]>`select count(*)::int as n from transactions where n = ${nth}`
      return row.n
    })
    const after = sql`select 1`.execute()
    const [n] = await Promise.all([begun, ...before, after])
    expect(n).toBe(1)
    expect([...(await sql`select count(*)::int as n from transactions where n = ${nth}`)]).toEqual([{ n: 1 }])
  })
})

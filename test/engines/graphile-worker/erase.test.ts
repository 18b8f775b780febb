import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../support/poll.ts'
import type { World } from '../../support/world.ts'
import { besideEachGraphile, type Graphile, type GraphileDatabase, openGraphileDatabase } from '../support/graphile.ts'

besideEachGraphile('erase of a person beside a pool', (version) => {
  let database: GraphileDatabase
  let graphile: Graphile
  let world: World
  beforeAll(async () => {
    database = await openGraphileDatabase(version)
    graphile = await database.start()
    world = await database.serve()
  })
  afterAll(() => database?.close())

  it('deletes dead and waiting jobs, and no job that the pool has had for five hours', async () => {
    const { sql } = database
    const later = { runAt: new Date(Date.now() + 3_600_000).toISOString() }
    await graphile.add([
      { does: 'fail', spec: { maxAttempts: 1 } },
      { does: 'hold', spec: later },
    ])
    await graphile.work(2)
    const [held = ''] = await graphile.add([{ does: 'hold' }])
    await until('the job runs, and another one is dead', async () => {
      const [dead] =
        await sql`select from graphile_worker._private_jobs where attempts = max_attempts and locked_at is null`
      return (await graphile.runs())[held] === 1 && dead !== undefined
    })
    await sql`update graphile_worker._private_jobs set locked_at = now() - interval '5 hours' where locked_at is not null`
    const scope = ['--domain', 'graphile_worker', '--yes', '--json']
    const waiting = await world.jobsctl(['erase', '--payload', 'does=hold', ...scope])
    expect(JSON.parse(waiting.out)).toMatchObject({ erased: { jobs: 1 }, passed_over: { running: 1 } })
    expect(JSON.parse((await world.jobsctl(['erase', '--payload', 'does=fail', ...scope])).out)).toMatchObject({
      erased: { jobs: 1 },
    })
    expect([...(await sql`select id::text from graphile_worker._private_jobs`)]).toEqual([{ id: held }])
    await graphile.release()
    await until('the job is done', async () => (await database.rows()).length === 0)
    expect(await graphile.runs()).toMatchObject({ [held]: 1 })
  })
})

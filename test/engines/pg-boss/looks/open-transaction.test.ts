import { afterAll, beforeAll, expect, it } from 'vitest'
import type { World } from '../../../support/world.ts'
import { age, fill, rowsOf } from '../../support/rows.ts'
import { besideEach, readable } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

besideEach(readable, 'previews beside an open transaction of somebody', (version) => {
  let database: BossDatabase
  let world: World
  beforeAll(async () => {
    database = await openBossDatabase(version)
    const boss = await database.start({ options: { supervise: false } })
    await boss.queue('mail')
    await boss.kill()
    await fill(database.sql, { queues: ['mail'], count: 60, states: ['created', 'active', 'completed', 'failed'] })
    await age(database.sql, 60)
    world = await database.serve()
  })
  afterAll(() => database?.close())

  it('count what they count without it', async () => {
    const row = (await rowsOf(database.sql)).find(({ state }) => state === 'failed')
    const argvs = [
      ['prune', '--domain', 'pgboss', '--older-than', '30d', '--dry-run', '--json'],
      ['retry', '--domain', 'pgboss', '--dry-run', '--json'],
      ['retry', `mail/${row?.id}`, '--dry-run', '--json'],
      ['cancel', '--domain', 'pgboss', '--status', 'queued', '--dry-run', '--json'],
    ]
    const counts = async () =>
      Promise.all(
        argvs.map(async (argv) => {
          const { code, out, err } = await world.jobsctl(argv)
          const count = /"(?:affected|deleted|count)": ?(\d+)/.exec(out)?.[1]
          return { argv, code, err: code === 0 ? '' : err, count }
        }),
      )
    const alone = await counts()
    expect(alone.filter(({ code }) => code !== 0)).toEqual([])
    await database.sql.begin(async (transaction) => {
      await transaction`select pg_current_xact_id()`
      // A snapshot lists a transaction that is open once a later one has ended.
      await database.sql`select pg_current_xact_id()`
      expect(await counts()).toEqual(alone)
    })
  })
})

import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../../support/poll.ts'
import type { World } from '../../../support/world.ts'
import { openRecords } from '../../support/admin.ts'
import { type Boss, untilEnded } from '../../support/boss.ts'
import { fill, rowsOf } from '../../support/rows.ts'
import { besideEach, changeable } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

const count = 3_000

besideEach(changeable, 'retry of jobs that pg-boss would delete unrun', (version) => {
  let database: BossDatabase
  let world: World
  let boss: Boss
  beforeAll(async () => {
    database = await openBossDatabase(version)
    boss = await database.start()
    await boss.queue('mail')
    await fill(database.sql, { queues: ['mail'], count, states: ['failed'] })
    await database.sql`
      update pgboss.job set start_after = start_after - interval '15 days', keep_until = start_after - interval '1 day'`
    world = await openRecords(database)
  })
  afterAll(() => database?.close())

  it('runs each of them once, beside maintenance each second', async () => {
    await boss.work('mail', { batchSize: 200 })
    const { code, err } = await world.jobsctl(['retry', '--domain', 'pgboss', '--queue', 'mail', '--yes'])
    expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' })
    const runs = await untilEnded(boss, count)
    // A worker completes a batch after its handlers have ended.
    const rows = await until('all jobs are completed', async () => {
      const all = await rowsOf(database.sql)
      return all.every(({ state }) => state === 'completed') ? all : undefined
    })
    expect(rows).toHaveLength(count)
    expect(rows.filter(({ id }) => runs[id]?.begun !== 1)).toEqual([])
  })
})

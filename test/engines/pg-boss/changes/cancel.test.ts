import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../../support/poll.ts'
import type { World } from '../../../support/world.ts'
import { openRecords, operationOf } from '../../support/admin.ts'
import { type Boss, untilEnded } from '../../support/boss.ts'
import { differencesOf, rowsOf, same } from '../../support/rows.ts'
import { besideEach, changeable } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

const count = 5

besideEach(changeable, 'cancel of running jobs', (version) => {
  let database: BossDatabase
  let world: World
  let boss: Boss
  beforeAll(async () => {
    database = await openBossDatabase(version)
    boss = await database.start()
    await boss.queue('mail')
    for (let i = 0; i < count; i++) await boss.send('mail', { does: 'hold without signal' })
    await boss.work('mail', { batchSize: count })
    await until('all jobs run', async () => Object.keys(await boss.runs()).length === count)
    world = await openRecords(database)
  })
  afterAll(() => database?.close())

  it('stays, also when their handlers end, and is not undone while they may run', async () => {
    const cancelled = await world.jobsctl([
      'cancel',
      '--domain',
      'pgboss',
      '--queue',
      'mail',
      '--status',
      'processing',
      '--force',
      '--yes',
      '--json',
    ])
    expect(cancelled).toMatchObject({ code: 0 })
    const rows = await rowsOf(database.sql)
    expect(rows.map(({ state }) => state)).toEqual(Array.from({ length: count }, () => 'cancelled'))
    await boss.release()
    await untilEnded(boss, count)
    expect(differencesOf(rows, await rowsOf(database.sql))).toEqual(same)
    const undone = await world.jobsctl(['undo', operationOf(cancelled), '--force', '--yes', '--json'])
    expect(undone.code).not.toBe(0)
    expect(differencesOf(rows, await rowsOf(database.sql))).toEqual(same)
    expect(Object.values(await boss.runs()).filter(({ begun }) => begun !== 1)).toEqual([])
  })
})

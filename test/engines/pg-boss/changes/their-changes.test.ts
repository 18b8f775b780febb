import { afterEach, beforeEach, expect, it } from 'vitest'
import { until } from '../../../support/poll.ts'
import type { World } from '../../../support/world.ts'
import { openRecords, operationOf } from '../../support/admin.ts'
import { age, type BossRow, differencesOf, fill, rowsOf, same } from '../../support/rows.ts'
import { besideEach, changeable, newest, oldestToChange } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

const guarded = ['deletion_seconds', 'keep_until']
const scope = ['--domain', 'pgboss', '--older-than', '30d']

/** A database with jobs in two queues, and a server that may change them. */
async function prepare(version: string, count: number) {
  const database = await openBossDatabase(version)
  const boss = await database.start({ options: { supervise: false } })
  for (const queue of ['a', 'b']) await boss.queue(queue)
  await fill(database.sql, { queues: ['a', 'b'], count, states: ['completed'] })
  await age(database.sql, 60)
  return { database, boss, world: await openRecords(database) }
}

besideEach(changeable, 'a queue that pg-boss deletes after a prune', (version) => {
  let open: Awaited<ReturnType<typeof prepare>>
  beforeEach(async () => {
    open = await prepare(version, 200)
  })
  afterEach(() => open?.database.close())

  it('keeps its jobs from coming back, and no others', async () => {
    const { database, boss, world } = open
    const before = await rowsOf(database.sql, { queue: 'b' })
    const pruned = await world.jobsctl(['prune', ...scope, '--yes', '--json'])
    await boss.call('deleteQueue', 'a')
    const undone = await world.jobsctl(['undo', operationOf(pruned), '--yes', '--json'])
    expect(JSON.parse(undone.out)).toMatchObject({ affected: 100, conflict_count: 100 })
    expect(differencesOf(before, await rowsOf(database.sql), guarded)).toEqual(same)
  })
})

besideEach(
  [oldestToChange].filter((version) => changeable.includes(version)),
  'a migration of pg-boss during a prune',
  (version) => {
    let database: BossDatabase
    let world: World
    let before: BossRow[]
    beforeEach(async () => {
      const open = await prepare(version, 20_000)
      ;({ database, world } = open)
      await open.boss.kill()
      before = await rowsOf(database.sql)
    })
    afterEach(() => database?.close())

    it('ends the change in part, with a record of what it did', async () => {
      const pruning = world.jobsctl(['prune', ...scope, '--rate', '2000', '--yes', '--json'])
      await until('the prune has begun', async () => (await rowsOf(database.sql)).length < before.length)
      const newer = await database.start({ version: newest, options: { supervise: false } })
      const pruned = await pruning
      const left = await rowsOf(database.sql)
      expect(left.length).toBeGreaterThan(0)
      expect(pruned.code).not.toBe(0)
      await newer.kill()
      // The server has seen the new version by now, or a new one sees it at its start.
      const again = await database.serve()
      const operation = JSON.parse((await again.jobsctl(['operations', '--json'])).out)
      expect(operation).toMatchObject([{ state: 'partial' }])
    })
  },
)

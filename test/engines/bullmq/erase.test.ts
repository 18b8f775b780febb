import { afterAll, beforeAll, expect, it } from 'vitest'
import type { World } from '../../support/world.ts'
import { operationOf } from '../support/admin.ts'
import {
  type Bull,
  type BullDatabase,
  besideEachBull,
  changeable,
  openBullDatabase,
  untilNone,
} from '../support/bull.ts'

besideEachBull(changeable, 'erase of a person', (version) => {
  let database: BullDatabase
  let world: World
  let bull: Bull
  beforeAll(async () => {
    database = await openBullDatabase(version)
    bull = await database.start()
    world = await database.serve()
  })
  afterAll(() => database?.close())

  const erase = () => world.jobsctl(['erase', '--domain', 'bullmq', '--payload', 'to=alice', '--yes', '--json'])
  const naming = async (table: string) =>
    (await database.sql`select from ${database.sql.unsafe(table)} as t where t::text like '%alice%'`).length

  it('deletes waiting and ended jobs with their copies, leaves schedules, and BullMQ goes on', async () => {
    await bull.add('mail', [{ data: { to: 'alice', does: 'fail' } }, { data: { to: 'bob', does: 'end' } }])
    await bull.work('mail')
    await untilNone(database, 'mail', 'waiting', 'active')
    await database.sql`update bullmq.job set finished_at_ms = finished_at_ms - 172800000`
    const pruned = await world.jobsctl(['prune', '--domain', 'bullmq', '--older-than', '1d', '--yes', '--json'])
    expect(JSON.parse(pruned.out)).toMatchObject({ affected: 2 })
    const opts = { delay: 3_600_000, deduplication: { id: 'once' } }
    await bull.add('mail', [{ data: { to: 'alice' }, opts }, { data: { to: 'bob', does: 'end' } }])
    await bull.call('mail', 'upsertJobScheduler', 'daily', { pattern: '0 0 1 1 *' }, { data: { to: 'alice' } })
    await untilNone(database, 'mail', 'waiting', 'active')
    const erased = await erase()
    expect(JSON.parse(erased.out)).toMatchObject({
      erased: { jobs: 1, archived: 1 },
      passed_over: { needed: 1 },
      not_touched: expect.arrayContaining([{ table: 'bullmq.scheduler', rows: 1 }]),
    })
    expect(erased.code).toBe(9)
    expect(await naming('jobsctl.bullmq_archive')).toBe(0)
    const left = await database.sql`select from bullmq.job where data ->> 'to' = 'alice' and scheduler_id is null`
    expect(left).toHaveLength(0)
    const undone = await world.jobsctl(['undo', operationOf(pruned), '--yes', '--json'])
    expect(JSON.parse(undone.out)).toMatchObject({ affected: 1 })
    // The deduplication id is free, and the next job is stored and runs.
    const [next] = await bull.add('mail', [
      { data: { to: 'bob', does: 'end' }, opts: { deduplication: { id: 'once' } } },
    ])
    await untilNone(database, 'mail', 'waiting', 'active')
    expect(await database.sql`select state from bullmq.job where queue = 'mail' and id = ${next ?? ''}`).toEqual([
      { state: 'completed' },
    ])
  })
})

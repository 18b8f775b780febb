import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../support/poll.ts'
import type { World } from '../../support/world.ts'
import {
  type Bull,
  type BullDatabase,
  besideEachBull,
  changeable,
  openBullDatabase,
  untilNone,
} from '../support/bull.ts'

besideEachBull(changeable, 'retry beside workers', (version) => {
  let database: BullDatabase
  let world: World
  let bull: Bull
  beforeAll(async () => {
    database = await openBullDatabase(version)
    bull = await database.start()
    world = await database.serve()
  })
  afterAll(() => database?.close())

  it('wakes a worker that waits for a job an hour ahead', async () => {
    const [failing = ''] = await bull.add('alone', [{ data: { does: 'fail once' } }])
    await bull.work('alone')
    await untilNone(database, 'alone', 'waiting', 'active')
    await bull.add('alone', [{ opts: { delay: 3_600_000 } }])
    // Without a job that is due the worker waits for the one ahead.
    await until('the worker waits', async () => {
      const [row] = await database.sql`
        select from pg_stat_activity where query ilike '%next_signal%' or query ilike 'listen%' limit 1`
      return row !== undefined
    })
    const { code } = await world.jobsctl(['retry', `alone/${failing}`, '--yes'])
    const since = Date.now()
    expect(code).toBe(0)
    const at = await until('the job has run again', async () => {
      const run = (await bull.runs())[`alone/${failing}`]
      return run?.ended === 1 ? run.at : undefined
    })
    expect(at - since).toBeLessThan(5_000)
  })
})

import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../support/poll.ts'
import type { World } from '../../support/world.ts'
import { type Bull, type BullDatabase, besideEachBull, changeable, openBullDatabase } from '../support/bull.ts'

besideEachBull(changeable, 'a job with keepLastIfActive', (version) => {
  let database: BullDatabase
  let world: World
  let bull: Bull
  beforeAll(async () => {
    database = await openBullDatabase(version)
    bull = await database.start()
    world = await database.serve()
  })
  afterAll(() => database?.close())

  it('is not cancelled while it waits for another try, since the job that follows it would never run', async () => {
    const { sql } = database
    const deduplication = { id: 'one', keepLastIfActive: true }
    const opts = { deduplication, attempts: 2, backoff: 3_600_000 }
    const [first = ''] = await bull.add('kept', [{ data: { does: 'hold' }, opts }])
    await bull.work('kept')
    await until('it runs', async () => (await sql`select from bullmq.job where state = 'active'`).length === 1)
    await bull.add('kept', [{ data: { is: 'last' }, opts }])
    expect(await sql`select dedup_id from bullmq.dedup_next`).toEqual([{ dedup_id: 'one' }])
    // As a worker leaves a job that has failed and has another try.
    await sql`update bullmq.job set state = 'delayed', lock_token = null, locked_until_ms = null, process_at_ms = added_at_ms + 3600000`
    const cancelled = await world.jobsctl(['cancel', `kept/${first}`, '--yes'])
    expect({ code: cancelled.code, err: cancelled.err }).toMatchObject({
      code: 6,
      err: expect.stringContaining('another job with its deduplication id begins when it ends'),
    })
    expect(await sql`select dedup_id from bullmq.dedup`).toEqual([{ dedup_id: 'one' }])
  })
})

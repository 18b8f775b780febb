import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../support/poll.ts'
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

const count = 600

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

  it('three times at once runs each job once', async () => {
    await bull.work('mail', { concurrency: 20 })
    const ids = await bull.add(
      'mail',
      Array.from({ length: count }, (_, i) => ({ data: { does: 'fail once', i } })),
    )
    await untilNone(database, 'mail', 'waiting', 'active')
    expect(await database.sql`select count(*)::int as failed from bullmq.job where state = 'failed'`).toEqual([
      { failed: count },
    ])
    const retry = () => world.jobsctl(['retry', '--domain', 'bullmq', '--queue', 'mail', '--yes'])
    const answers = await Promise.all([retry(), retry(), retry()])
    // Another retry of the same jobs may be told that one is under way.
    expect(answers.map(({ code }) => code)).toContain(0)
    await untilNone(database, 'mail', 'waiting', 'active', 'failed')
    const runs = await bull.runs()
    expect(ids.filter((id) => runs[`mail/${id}`]?.begun !== 2)).toEqual([])
  })

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

  it('is undone as far as no job has run', async () => {
    await bull.add(
      'later',
      Array.from({ length: 50 }, () => ({ data: { does: 'fail' } })),
    )
    const worker = await database.start()
    await worker.work('later', { concurrency: 10 })
    await untilNone(database, 'later', 'waiting', 'active')
    await worker.kill()
    const before = await database.sql`select to_jsonb(job) as row from bullmq.job where queue = 'later' order by id`
    const retried = await world.jobsctl(['retry', '--domain', 'bullmq', '--queue', 'later', '--yes', '--json'])
    expect(JSON.parse(retried.out)).toMatchObject({ affected: 50 })
    const undone = await world.jobsctl(['undo', operationOf(retried), '--yes', '--json'])
    expect(JSON.parse(undone.out)).toMatchObject({ affected: 50 })
    expect(await database.sql`select to_jsonb(job) as row from bullmq.job where queue = 'later' order by id`).toEqual(
      before,
    )
  })
})

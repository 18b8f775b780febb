import { afterEach, beforeEach, expect, it } from 'vitest'
import { until } from '../../support/poll.ts'
import type { World } from '../../support/world.ts'
import { operationOf } from '../support/admin.ts'
import { besideEachGraphile, type Graphile, type GraphileDatabase, openGraphileDatabase } from '../support/graphile.ts'

besideEachGraphile('changes beside pools', (version) => {
  let database: GraphileDatabase
  let graphile: Graphile
  let world: World
  beforeEach(async () => {
    database = await openGraphileDatabase(version)
    graphile = await database.start()
    world = await database.serve()
  })
  afterEach(() => database?.close())

  const domain = ['--domain', 'graphile_worker', '--yes', '--json']
  const change = (...argv: string[]) => world.jobsctl([...argv, ...domain])
  const undo = async (changed: Awaited<ReturnType<typeof change>>) =>
    JSON.parse((await world.jobsctl(['undo', operationOf(changed), '--yes', '--json'])).out)
  const dead = (count: number, does: 'fail' | 'fail once') =>
    Array.from({ length: count }, (_, i) => ({
      does,
      spec: {
        maxAttempts: 1,
        priority: i % 3,
        ...(i % 2 === 0 ? {} : { queueName: `mail ${i % 5}`, jobKey: `key ${i}` }),
      },
    }))

  it('retry dead jobs of which each runs once more', async () => {
    await graphile.work(10)
    const ids = await graphile.add(dead(100, 'fail once'))
    await database.untilIdle()
    expect(await database.rows()).toHaveLength(100)
    const answers = await Promise.all([change('retry'), change('retry')])
    // The other retry of the same jobs may be told that one is under way.
    expect(answers.map(({ code }) => code)).toContain(0)
    await until('every job is done', async () => (await database.rows()).length === 0)
    const runs = await graphile.runs()
    expect(ids.filter((id) => runs[id] !== 2)).toEqual([])
  })

  it('undo a retry before the jobs have run, and a prune, with 0 rows different', async () => {
    const pool = await database.start()
    await graphile.add(dead(100, 'fail'))
    await pool.work(10)
    await database.untilIdle()
    await pool.kill()
    const { sql } = database
    await sql`update graphile_worker._private_jobs set run_at = run_at - interval '2 days', updated_at = updated_at - interval '2 days'`
    const before = await database.rows()
    const pruned = await change('prune', '--older-than', '1d')
    expect(JSON.parse(pruned.out)).toMatchObject({ affected: 100 })
    expect(await database.rows()).toEqual([])
    expect(await undo(pruned)).toMatchObject({ affected: 100, conflict_count: 0 })
    expect(await database.rows()).toEqual(before)
    const retried = await change('retry')
    expect(JSON.parse(retried.out)).toMatchObject({ affected: 100 })
    expect(await undo(retried)).toMatchObject({ affected: 100, conflict_count: 0 })
    expect(await database.rows()).toEqual(before)
    // The errors of new jobs are null, and are so again.
    await graphile.add([{ spec: { runAt: new Date(Date.now() + 3_600_000).toISOString() } }])
    const waiting = await database.rows()
    const cancelled = await change('cancel')
    expect(JSON.parse(cancelled.out)).toMatchObject({ affected: 1 })
    expect(await undo(cancelled)).toMatchObject({ affected: 1, conflict_count: 0 })
    expect(await database.rows()).toEqual(waiting)
  })

  it('leave a job alone that a living pool has locked for five hours', async () => {
    await graphile.work(2)
    const [held = ''] = await graphile.add([{ does: 'hold', spec: { maxAttempts: 1 } }])
    await until('the job runs', async () => (await graphile.runs())[held] === 1)
    const { sql } = database
    await sql`
      update graphile_worker._private_jobs
      set locked_at = now() - interval '5 hours', run_at = now() - interval '9 days', updated_at = now() - interval '9 days'`
    const before = await database.rows()
    for (const argv of [
      ['cancel', '--all', '--yes', '--json'],
      ['cancel', ...domain],
      ['cancel', held, '--yes', '--json'],
      ['retry', ...domain],
      ['prune', '--older-than', '1d', ...domain],
    ]) {
      const { out, err } = await world.jobsctl(argv)
      expect({ argv, err, out: JSON.parse(out || '{}') }).toMatchObject({ out: { affected: 0 } })
      expect(await database.rows()).toEqual(before)
    }
    await graphile.release()
    await until('the job is done', async () => (await database.rows()).length === 0)
    expect(await graphile.runs()).toEqual({ [held]: 1 })
  })
})

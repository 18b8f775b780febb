import { afterEach, beforeEach, expect, it } from 'vitest'
import { until } from '../../support/poll.ts'
import type { World } from '../../support/world.ts'
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
      ['retry', ...domain],
      ['prune', '--older-than', '1d', ...domain],
    ]) {
      const { out, err } = await world.jobsctl(argv)
      expect({ argv, err, out: JSON.parse(out || '{}') }).toMatchObject({ out: { affected: 0 } })
      expect(await database.rows()).toEqual(before)
    }
    for (const [argv, code, why] of [
      [['cancel', held], 6, `job _/${held} is running: a running job of graphile-worker cannot be ended`],
      [['cancel', '--force', held], 2, 'a running job of graphile-worker cannot be ended'],
      [['retry', held], 6, `job _/${held} is processing`],
    ] as const) {
      const { code: ended, err } = await world.jobsctl([...argv, '--yes'])
      expect({ argv, ended, err }).toEqual({ argv, ended: code, err: expect.stringContaining(why) })
      expect(await database.rows()).toEqual(before)
    }
    await graphile.release()
    await until('the job is done', async () => (await database.rows()).length === 0)
    expect(await graphile.runs()).toEqual({ [held]: 1 })
  })

  it('keep a job whose deletion an application forbids, or which would delete its rows', async () => {
    const [job = ''] = await graphile.add([{ does: 'fail', spec: { maxAttempts: 1 } }])
    await graphile.work(1)
    const { sql } = database
    await until('the job has failed', async () => (await graphile.runs())[job] === 1)
    await graphile.kill()
    await sql`
      update graphile_worker._private_jobs
      set run_at = now() - interval '9 days', updated_at = now() - interval '9 days', locked_at = null, locked_by = null, attempts = 1`
    const prune = async () => {
      const { out, err } = await world.jobsctl(['prune', '--older-than', '1d', ...domain])
      return `${out}${err}`
    }
    for (const [action, why] of [
      ['cascade', 'no undo gives them back: public.notes 1; nothing was changed'],
      ['restrict', 'public.notes refers to'],
    ] as const) {
      await sql.unsafe(`create table notes (job bigint references graphile_worker._private_jobs on delete ${action})`)
      await sql`insert into notes select id from graphile_worker._private_jobs`
      expect(await prune()).toContain(why)
      expect(await database.rows()).toHaveLength(1)
      await sql`drop table notes`
    }
    expect(JSON.parse(await prune())).toMatchObject({ affected: 1 })
  })
})

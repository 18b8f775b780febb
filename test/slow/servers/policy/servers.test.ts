import { afterEach, describe, expect, it } from 'vitest'
import { recordOf } from '../../../support/changes/bulk-tools.ts'
import { endOf } from '../../../support/changes/detached.ts'
import { applyRules, endOfRun, makeDue, policyOf, pruning } from '../../../support/changes/policy.ts'
import { ago } from '../../../support/database/job-row.ts'
import { until } from '../../../support/poll.ts'
import { runServer, spawnServer } from '../../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../../support/world.ts'

const jobs = 30

describe('a policy on several servers', () => {
  const ending: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end()
  })

  /** A database with jobs to prune and a server that does nothing in the background. */
  async function open(): Promise<World> {
    const world = await openWorld('postgres', { JOBS_BACKGROUND: 'off' })
    ending.push(() => world.stop())
    await world.jobs(jobs, { status: 'completed', completed_at: ago(40 * 86_400) })
    await applyRules(world, [pruning()])
    return world
  }
  async function spawn(world: World) {
    const server = await spawnServer({ ...world.env, JOBS_BACKGROUND: 'on', JOBS_LOCK_TIMEOUT_SECONDS: '60' })
    ending.push(() => server.kill())
    return server
  }
  const pruned = (world: World) =>
    world.sql<
      { id: number; affected: number }[]
    >`select id, affected from job_operations where kind = 'prune' order by id`

  it('goes on at another server under the same record, where one dies in the middle of a run', async () => {
    const world = await open()
    const one = await spawn(world)
    // The run waits for a job that somebody holds, so that it is in the middle for as long.
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const holding = world.sql.begin(async (tx) => {
      await tx`select id from jobs order by id limit 1 for update`
      await gate
    })
    await makeDue(world.sql, 'finished')
    const id = await until('the run has changed what nobody holds', async () => {
      const [record] = await pruned(world)
      return record && record.affected === jobs - 1 ? record.id : undefined
    })
    await one.kill()
    release()
    await holding
    await spawn(world)
    await spawn(world)
    expect(await endOf(world, id)).toMatchObject({ state: 'done', affected: jobs, filters: { policy: 'finished' } })
    expect(await endOfRun(world, 'finished')).toMatchObject({
      state: 'done',
      operation_id: id,
      affected: jobs,
      left: 0,
    })
    expect(await pruned(world)).toHaveLength(1)
  })

  it('runs once at its time, whichever of three servers is first', async () => {
    const world = await open()
    await Promise.all([spawn(world), spawn(world), spawn(world)])
    await makeDue(world.sql, 'finished')
    const { operation_id } = await endOfRun(world, 'finished')
    expect(await recordOf(world, operation_id ?? 0)).toMatchObject({ state: 'done', affected: jobs })
    expect(await pruned(world)).toHaveLength(1)
  })

  it('does nothing while the database is frozen, says so, and runs once after that', async () => {
    const world = await open()
    expect((await runServer(['freeze', '--reason', 'a test'], world.env)).code).toBe(0)
    expect((await policyOf(world)).problem).toContain('froze the database')
    const { revision } = await policyOf(world)
    expect(await world.confirm('/api/v1/jobs/policy', { rules: [], revision })).toMatchObject({ status: 403 })
    const server = await spawn(world)
    await makeDue(world.sql, 'finished', 2 * 86_400)
    await until('the server stands still', () => server.output.out.includes('nothing is done in the background'))
    expect((await policyOf(world)).rules[0]).toMatchObject({ last: null })
    expect(await world.count()).toBe(jobs)
    expect((await runServer(['thaw'], world.env)).code).toBe(0)
    expect(await endOfRun(world, 'finished')).toMatchObject({ state: 'done', affected: jobs })
    expect(await pruned(world)).toHaveLength(1)
  })

  it('says that no server runs it, where none does', async () => {
    const world = await open()
    await makeDue(world.sql, 'finished', 3600)
    expect((await policyOf(world)).problem).toContain('no server has begun finished')
    expect((await world.jobsctl(['doctor'])).out).toMatch(/policy\twarning\t1 rule, and none runs: no server has begun/)
  })
})

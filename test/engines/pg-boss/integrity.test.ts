import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { until } from '../../support/poll.ts'
import type { World } from '../../support/world.ts'
import type { Boss } from '../support/boss.ts'
import { besideEach, changeable } from '../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../support/world.ts'

const Checks = z.object({
  checks: z.array(
    z.looseObject({ check: z.string(), jobs: z.number(), ids: z.array(z.string()), instead: z.string() }),
  ),
})
const Flow = z.looseObject({ parent: z.string(), child: z.string() })

besideEach(changeable, 'what keeps jobs from going on', (version) => {
  let database: BossDatabase
  let world: World
  let boss: Boss
  beforeAll(async () => {
    database = await openBossDatabase(version)
    boss = await database.start({ options: { supervise: false } })
    await boss.queue('mail')
    await boss.queue('flows')
    world = await database.serve()
  })
  afterAll(() => database?.close())

  const checks = async () =>
    Checks.parse(JSON.parse((await world.jobsctl(['integrity', '--all', '--json'])).out)).checks
  const found = async () =>
    Object.fromEntries((await checks()).flatMap(({ check, jobs }) => (jobs > 0 ? [[check, jobs]] : [])))
  const flow = async () =>
    Flow.parse(
      await boss.call('flow', [
        { ref: 'parent', name: 'flows' },
        { ref: 'child', name: 'flows', dependsOn: ['parent'] },
      ]),
    )

  it('is nothing where pg-boss has told the children of a job that is gone since', async () => {
    const { parent, child } = await flow()
    expect(await found()).toEqual({})
    await boss.call('fetch', 'flows')
    await boss.call('complete', 'flows', parent)
    const second = await database.start({ options: { flowIntervalSeconds: 1 } })
    await until('the child may run', async () => {
      const [row] = await database.sql`select from pgboss.job where id = ${child} and not blocked`
      return row !== undefined
    })
    await second.stop()
    await boss.call('deleteJob', 'flows', parent)
    expect(await found()).toEqual({})
    await boss.call('fetch', 'flows')
    await boss.call('complete', 'flows', child)
  })

  it('is found, named and explained, and passes where one process of pg-boss looks after it', async () => {
    const [gone, failed] = [await flow(), await flow()]
    await boss.call('deleteJob', 'flows', gone.parent)
    await boss.call('cancel', 'flows', failed.parent)
    const { sql } = database
    await boss.send('mail', {})
    await boss.send('mail', {}, { retryLimit: 0 })
    await boss.call('fetch', 'mail', { batchSize: 2 })
    await sql`update pgboss.job set started_on = now() - interval '1 hour' where name = 'mail'`
    const old = await boss.send('mail', {})
    await sql`update pgboss.job set keep_until = now() - interval '1 hour' where id = ${old}`
    const lost = await checks()
    expect(await found()).toEqual({ expired: 2, parent_gone: 1, parent_ended: 1, retention_over: 1 })
    expect(lost.find(({ check }) => check === 'expired')?.instead).toContain('start one with supervise: true')
    expect(lost.find(({ check }) => check === 'parent_gone')?.ids).toEqual([`flows/${gone.child}`])
    expect(lost.find(({ check }) => check === 'parent_ended')?.ids).toEqual([`flows/${failed.child}`])
    const second = await database.start()
    await until('pg-boss has looked', async () => {
      const left = await found()
      return left.expired === undefined && left.retention_over === undefined
    })
    expect(await found()).toEqual({ parent_gone: 1, parent_ended: 1 })
    await second.stop()
    await boss.call('resume', 'flows', failed.parent)
    expect(await found()).toEqual({ parent_gone: 1 })
  })
})

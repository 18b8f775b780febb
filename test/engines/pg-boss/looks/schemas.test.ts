import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { GroupStats } from '../../../../shared/queues/stats.ts'
import type { World } from '../../../support/world.ts'
import { rowsOf } from '../../support/rows.ts'
import { besideEach, readable } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

const odd = `My "Boss's"/Jobs`

besideEach(readable, 'two schemas of pg-boss in one database', (version) => {
  let database: BossDatabase
  let world: World
  beforeAll(async () => {
    database = await openBossDatabase(version)
    for (const [schema, count] of [
      ['later', 3],
      ['pgboss', 2],
    ] as const) {
      const boss = await database.start({ schema, options: { supervise: false } })
      await boss.queue('mail')
      for (let i = 0; i < count; i++) await boss.send('mail', { i })
      await boss.kill()
    }
    // pg-boss takes no such name, and somebody may rename a schema.
    await database.sql`alter schema later rename to ${database.sql(odd)}`
    world = await database.serve()
  })
  afterAll(() => database?.close())

  const statsOf = async (more: string) => {
    const { status, body } = await world.call('GET', `/api/v1/jobs/stats${more}`)
    expect(status).toBe(200)
    return z
      .array(GroupStats)
      .parse(body)
      .map(({ domain, queue, queued }) => ({ domain, queue, queued }))
  }

  it('are two domains, which a call reads together or one by one', async () => {
    const groups = [
      { domain: odd, queue: 'mail', queued: 3 },
      { domain: 'pgboss', queue: 'mail', queued: 2 },
    ]
    expect(await statsOf('')).toEqual(groups)
    for (const group of groups) {
      const domain = encodeURIComponent(group.domain)
      expect(await statsOf(`?domain=${domain}`)).toEqual([group])
      const { body } = await world.call('GET', `/api/v1/jobs/list?domain=${domain}`)
      const ids = (await rowsOf(database.sql, { schema: group.domain })).map(({ id }) => `mail/${id}`)
      expect(
        z
          .array(z.looseObject({ id: z.string() }))
          .parse(body)
          .map(({ id }) => id)
          .toSorted(),
      ).toEqual(ids.toSorted())
    }
    expect(world.log.filter((line) => line.includes('found pg-boss'))).toHaveLength(2)
  })

  it('are one where JOBS_ENGINE_SCHEMA names one', async () => {
    const one = await database.serve({ JOBS_ENGINE_SCHEMA: odd })
    const { out } = await one.jobsctl(['stats', '--json'])
    expect(JSON.parse(out)).toMatchObject([{ domain: odd, queued: 3 }])
    await one.stop()
  })
})

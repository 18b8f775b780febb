import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import type { World } from '../../../support/world.ts'
import { openRecords } from '../../support/admin.ts'
import { untilEnded } from '../../support/boss.ts'
import { age, rowsOf } from '../../support/rows.ts'
import { besideEach, changeable } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

besideEach(changeable, 'prune of jobs that others wait for', (version) => {
  let database: BossDatabase
  let world: World
  beforeAll(async () => {
    database = await openBossDatabase(version)
    // No pass of this process tells the children before it is killed.
    const boss = await database.start({ options: { supervise: false, flowIntervalSeconds: 3600 } })
    await boss.queue('mail')
    const flow = [
      { ref: 'parent', name: 'mail' },
      { ref: 'child', name: 'mail', dependsOn: ['parent'] },
    ]
    const { parent } = z.looseObject({ parent: z.string() }).parse(await boss.call('flow', flow))
    await boss.call('fetch', 'mail')
    await boss.call('complete', 'mail', parent)
    await boss.send('mail', {}).then((id) => boss.call('deleteJob', 'mail', id))
    await boss.kill()
    await database.sql`
      insert into pgboss.job (name, state, completed_on) select 'mail', 'completed', now() from generate_series(1, 3)`
    await age(database.sql, 60)
    world = await openRecords(database)
  })
  afterAll(() => database?.close())

  it('keeps them and says so, and the others run', async () => {
    const scope = ['--domain', 'pgboss', '--queue', 'mail', '--older-than', '30d']
    const waitedFor = { refused_count: 1, refused: [{ reason: 'another job waits for it' }] }
    const preview = await world.jobsctl(['prune', ...scope, '--dry-run', '--json'])
    expect(JSON.parse(preview.out)).toMatchObject({ preview: { count: 3 }, ...waitedFor })
    const { code, out } = await world.jobsctl(['prune', ...scope, '--yes', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ affected: 3, ...waitedFor })
    const left = await rowsOf(database.sql)
    expect(left.map(({ state, blocking, blocked }) => ({ state, blocking, blocked }))).toEqual(
      expect.arrayContaining([
        { state: 'completed', blocking: true, blocked: false },
        { state: 'created', blocking: false, blocked: true },
      ]),
    )
    const boss = await database.start()
    await boss.work('mail')
    await untilEnded(boss, 1)
  })
})

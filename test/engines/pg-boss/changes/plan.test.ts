import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newFolder } from '../../../support/database/database.ts'
import type { World } from '../../../support/world.ts'
import { openRecords } from '../../support/admin.ts'
import { age, differencesOf, fill, rowsOf } from '../../support/rows.ts'
import { besideEach, changeable } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

besideEach(changeable, 'a plan of a prune', (version) => {
  let database: BossDatabase
  let world: World
  beforeAll(async () => {
    database = await openBossDatabase(version)
    const boss = await database.start({ options: { supervise: false } })
    await boss.queue('mail')
    await boss.kill()
    await fill(database.sql, { queues: ['mail'], count: 500, states: ['completed'] })
    await age(database.sql, 60)
    world = await openRecords(database)
  })
  afterAll(() => database?.close())

  it('takes the jobs of its preview but those that changed or are locked, and tells both', async () => {
    const { sql } = database
    const path = join(await newFolder('plan'), 'plan.json')
    const scope = ['--domain', 'pgboss', '--queue', 'mail', '--older-than', '30d']
    expect(await world.jobsctl(['prune', ...scope, '--dry-run', '--plan-out', path])).toMatchObject({ code: 0 })
    const before = await rowsOf(sql)
    const [changed, locked] = [before.slice(0, 7), before.slice(7, 32)].map((rows) => rows.map(({ id }) => id))
    await sql`update pgboss.job set data = '{"changed": true}' where id = any(${changed ?? []}::uuid[])`
    await sql`
      insert into pgboss.job (name, state, created_on, completed_on)
      select 'mail', 'completed', now() - interval '60 days', now() - interval '60 days' from generate_series(1, 10)`
    const added = differencesOf(before, await rowsOf(sql)).added
    expect(added).toHaveLength(10)

    const applied = await sql.begin(async (transaction) => {
      await transaction`select from pgboss.job where id = any(${locked ?? []}::uuid[]) for update`
      return world.jobsctl(['apply', path, '--yes', '--json'])
    })
    expect(JSON.parse(applied.out)).toMatchObject({ affected: 468, skipped: 32 })
    expect(applied.err).toContain('note: 7 of the 500 previewed jobs had changed')
    expect(applied.err).toContain('note: 25 jobs were locked by other transactions')
    const left = (await rowsOf(sql)).map(({ name, id }) => `${name}/${id}`)
    expect(left.toSorted()).toEqual(
      [...(changed ?? []), ...(locked ?? [])]
        .map((id) => `mail/${id}`)
        .concat(added)
        .toSorted(),
    )
  })
})

import { afterAll, beforeAll, expect, it } from 'vitest'
import type { World } from '../../../support/world.ts'
import { openRecords, operationOf } from '../../support/admin.ts'
import { rowsOf } from '../../support/rows.ts'
import { besideEach, changeable, oldestToChange } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

besideEach(changeable, 'erase of a person', (version) => {
  let database: BossDatabase
  let world: World
  beforeAll(async () => {
    database = await openBossDatabase(version)
    const boss = await database.start({ options: { supervise: false } })
    await boss.queue('dead')
    await boss.queue('mail', { retryLimit: 0, deadLetter: 'dead' })
    for (const id of ['alice', 'bob']) {
      const job = await boss.send('mail', { to: id }, { group: { id } })
      await database.sql`update pgboss.job set state = 'active', started_on = now() where id = ${job}`
      await boss.call('fail', 'mail', job, { message: `no mailbox of ${id}` })
    }
    // An old one, which a prune takes into the archive.
    await boss.send('mail', { to: 'alice' }, { group: { id: 'alice' } })
    await database.sql`
      update pgboss.job set state = 'completed', completed_on = now() - interval '60 days' where state = 'created' and name = 'mail'`
    await boss.kill()
    world = await openRecords(database)
  })
  afterAll(() => database?.close())

  it('by the owner finds a copy in the dead letter queue that does not say whose it is; no undo brings a job back', async () => {
    const scope = ['--domain', 'pgboss', '--yes', '--json']
    const of = async (person: string) =>
      (await rowsOf(database.sql)).flatMap((row) => (JSON.stringify(row).includes(person) ? [row.name] : [])).toSorted()
    expect(await of('alice')).toEqual(['dead', 'mail', 'mail'])
    const pruned = await world.jobsctl(['prune', '--queue', 'mail', '--older-than', '30d', ...scope])
    expect(JSON.parse(pruned.out)).toMatchObject({ affected: 1 })
    // pg-boss 12.27 gives the copy no owner.
    const owners = await database.sql<
      { group_id: string | null }[]
    >`select distinct group_id from pgboss.job where name = 'dead'`
    expect(owners.some(({ group_id }) => group_id === null)).toBe(version === oldestToChange)
    const argv = ['erase', '--owner', 'alice', '--reason', 'ticket 4711', '--domain', 'pgboss', '--dry-run', '--json']
    expect(JSON.parse((await world.jobsctl(argv)).out)).toMatchObject({ affected: 3 })
    const erased = await world.jobsctl(['erase', '--owner', 'alice', '--reason', 'ticket 4711', ...scope])
    expect(erased).toMatchObject({ code: 0 })
    expect(JSON.parse(erased.out)).toMatchObject({ erased: { jobs: 2, archived: 1 } })
    expect(await of('alice')).toEqual([])
    expect(await of('bob')).toEqual(['dead', 'mail'])
    const [{ left }] = await database.sql<[{ left: number }]>`
      select count(*)::int as left from jobsctl.pgboss_archive as a where a::text like '%alice%'`
    expect(left).toBe(0)
    const undone = await world.jobsctl(['undo', operationOf(pruned), '--yes', '--json'])
    expect(await of('alice')).toEqual([])
    expect(undone.out).not.toContain('"affected":1')
  })
})

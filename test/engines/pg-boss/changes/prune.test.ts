import { afterAll, beforeAll, expect, it } from 'vitest'
import type { World } from '../../../support/world.ts'
import { openRecords, operationOf, untilMaintained } from '../../support/admin.ts'
import { type BossRow, differencesOf, fill, rowsOf, same } from '../../support/rows.ts'
import { besideEach, changeable, newest } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

/** Many for the newest version; the statements of the others are the same. */
const countOf = (version: string): number => (version === newest ? 20_000 : 5_000)
/** An undo sets the first one so that pg-boss keeps the job, and pg-boss counts the second one only for jobs that wait. */
const guarded = ['deletion_seconds', 'keep_until']

besideEach(changeable, 'prune of many jobs', (version) => {
  const count = countOf(version)
  let database: BossDatabase
  let world: World
  let before: BossRow[]
  beforeAll(async () => {
    database = await openBossDatabase(version)
    const boss = await database.start({ options: { supervise: false } })
    for (const queue of ['a', 'b']) await boss.queue(queue, { partition: queue === 'b' })
    await boss.kill()
    await fill(database.sql, { queues: ['a', 'b'], count, states: ['completed', 'failed'] })
    // Past the seven days after which pg-boss deletes them; some it keeps for a year, and some for ever.
    await database.sql`
      update pgboss.job set
        created_on = created_on - interval '60 days', started_on = started_on - interval '60 days',
        start_after = start_after - interval '60 days', completed_on = completed_on - interval '60 days',
        deletion_seconds = case (data ->> 'i')::int % 10 when 0 then 0 when 1 then 31536000 else deletion_seconds end`
    before = await rowsOf(database.sql)
    world = await openRecords(database)
  })
  afterAll(() => database?.close())

  it('deletes what it previewed, and its undo gives back every job, which three passes of maintenance leave there', async () => {
    const preview = await world.jobsctl(['prune', '--domain', 'pgboss', '--older-than', '30d', '--dry-run', '--json'])
    expect(preview).toMatchObject({ code: 0, err: '' })
    expect(JSON.parse(preview.out)).toMatchObject({ dry_run: true, affected: count })
    const pruned = await world.jobsctl(['prune', '--domain', 'pgboss', '--older-than', '30d', '--yes', '--json'])
    expect(pruned).toMatchObject({ code: 0 })
    expect(JSON.parse(pruned.out)).toMatchObject({ affected: count })
    expect(await rowsOf(database.sql)).toEqual([])

    const undone = await world.jobsctl(['undo', operationOf(pruned), '--yes', '--json'])
    expect(undone).toMatchObject({ code: 0 })
    expect(JSON.parse(undone.out)).toMatchObject({ affected: count, conflict_count: 0 })
    const back = await rowsOf(database.sql)
    expect(differencesOf(before, back, guarded)).toEqual(same)

    await database.start()
    await untilMaintained(database, 3)
    expect(differencesOf(back, await rowsOf(database.sql))).toEqual(same)
    const [kept] = await database.sql`
      select count(*) filter (where deletion_seconds = 0)::int as "forEver" from pgboss.job`
    expect(kept).toEqual({ forEver: count / 10 })
  })
})

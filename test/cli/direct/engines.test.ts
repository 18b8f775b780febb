import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { catalogueOf } from '../../support/database/catalogue.ts'
import { emptyDatabase } from '../../support/database/database.ts'
import { fillPgBoss, makePgBoss } from '../../support/engines/pg-boss.ts'
import { type DirectDatabase, openDirectDatabase } from '../../support/programs/direct.ts'

describe('a command without a server on the jobs of pg-boss', () => {
  let direct: DirectDatabase
  beforeAll(async () => {
    direct = await openDirectDatabase(emptyDatabase())
    const { sql } = direct
    await makePgBoss({ sql, version: 46 })
    await fillPgBoss({ sql, version: 46 })
  })
  afterAll(() => direct.drop())

  it('looks, and writes nothing', async () => {
    const catalogue = await catalogueOf(direct.sql)
    const jobs = () => direct.sql`select to_jsonb(job) as job from pgboss.job order by name, id`
    const before = await jobs()
    const { code, out, err } = await direct.jobsctl(['stats', '--json'])
    expect([code, err]).toEqual([0, ''])
    const counted = JSON.parse(out).reduce((sum: number, group: { queued: number }) => sum + group.queued, 0)
    const [{ queued }] = await direct.sql<[{ queued: number }]>`
      select count(*)::int as queued from pgboss.job where state in ('created', 'retry') and start_after <= now() and not blocked`
    expect(counted).toBe(queued)
    expect((await direct.jobsctl(['cancel', '--all', '--yes'])).code).not.toBe(0)
    expect((await direct.jobsctl(['pause', 'pgboss/mail'])).code).not.toBe(0)
    expect(await jobs()).toEqual(before)
    expect(await catalogueOf(direct.sql)).toEqual(catalogue)
  })
})

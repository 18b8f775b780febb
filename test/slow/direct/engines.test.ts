import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { catalogueOf } from '../../support/database/catalogue.ts'
import { emptyDatabase, newFolder } from '../../support/database/database.ts'
import { homeMade } from '../../support/engines/home-made.ts'
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
    const mark = await direct.jobsctl(['mark', 'a deploy'])
    expect([mark.code, mark.err]).toEqual([3, expect.stringContaining('makes schema "jobsctl" (records, archive:')])
    expect(mark.err).toContain('--make-records')
    expect(await jobs()).toEqual(before)
    expect(await catalogueOf(direct.sql)).toEqual(catalogue)
  })

  it('works on the engine that JOBS_ENGINE names', async () => {
    const named = await direct.jobsctl(['stats', '--json'], { env: { JOBS_ENGINE: 'pg-boss' } })
    expect(named).toEqual(await direct.jobsctl(['stats', '--json']))
  })

  it('makes the tables of records where the first change is told to, once', async () => {
    const tables = () => direct.sql<{ name: string }[]>`
      select relname as name from pg_class where relnamespace = 'jobsctl'::regnamespace and relkind in ('r', 'p')`
    const role = await direct.sql`select current_user as role`
    const first = await direct.jobsctl(['mark', 'a deploy', '--make-records'])
    expect(first).toMatchObject({ code: 0, err: expect.stringContaining('by a server, or by the next such change') })
    const said = /records, archive: (\d+) tables\)/.exec(first.err)?.[1]
    expect((await tables()).length).toBe(Number(said))
    const again = await direct.jobsctl(['mark', 'another', '--make-records'])
    expect(again).toMatchObject({ code: 0, err: expect.not.stringMatching(/makes schema|over its term/) })
    expect(await direct.sql`select text, caller from jobsctl.jobsctl_marks order by id`).toEqual(
      ['a deploy', 'another'].map((text) => ({ text, caller: `db:${role[0]?.role}` })),
    )
  })

  it('deletes what is past its term with the next change, one batch, and keeps the rest', async () => {
    const { sql, jobsctl } = direct
    await sql`
      insert into pgboss.job (name, state, completed_on)
      select (select min(name) from pgboss.queue), 'completed', now() - interval '60 days' from generate_series(1, 1500)`
    const pruned = await jobsctl(['prune', '--domain', 'pgboss', '--older-than', '30d', '--yes', '--json'])
    expect(JSON.parse(pruned.out).affected).toBeGreaterThanOrEqual(1500)
    const left = async () => {
      const [row] = await sql<[{ count: number }]>`select count(*)::int as count from jobsctl.pgboss_archive`
      return row.count
    }
    const archived = await left()
    expect(await jobsctl(['mark', 'within its term'])).toMatchObject({ code: 0 })
    expect(await left()).toBe(archived)
    await sql`update jobsctl.pgboss_archive set archived_at = now() - interval '90 days'`
    expect(await jobsctl(['stats'])).toMatchObject({ code: 0 })
    expect(await left()).toBe(archived)
    expect(await jobsctl(['mark', 'past its term'])).toMatchObject({ code: 0 })
    expect(await left()).toBe(archived - 1000)
    expect(await jobsctl(['mark', 'once more'])).toMatchObject({ code: 0 })
    expect(await left()).toBe(0)
  })
})

it('works on a table of somebody by the map that JOBS_MAP_FILE names', async () => {
  const direct = await openDirectDatabase(emptyDatabase())
  const [shape] = homeMade
  await direct.sql.unsafe(shape?.sql ?? '')
  const { out } = await direct.jobsServer(['init', '--detect'])
  const file = join(await newFolder('map'), 'jobs-map.yaml')
  await writeFile(file, out)
  const {
    code,
    out: listed,
    err,
  } = await direct.jobsctl(['list', '--status', 'failed', '--json'], {
    env: { JOBS_MAP_FILE: file },
  })
  await direct.drop()
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(JSON.parse(listed)).toHaveLength(shape?.counts.failed ?? 0)
})

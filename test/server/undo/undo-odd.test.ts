import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { ask, at, clearAll, doneOf, prune } from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(kinds)('the archive, where another program has its own ideas, on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  /** Changes the tables, and changes them back. */
  async function altered(change: string, back: string, run: () => Promise<unknown>): Promise<void> {
    await world.sql.unsafe(change)
    try {
      await run()
    } finally {
      await clearAll(world)
      await world.sql.unsafe(back)
    }
  }

  const withForeignKeys = (run: () => Promise<unknown>) =>
    altered(
      `alter table job_dependencies
        add constraint own foreign key (job_uuid) references jobs (uuid) on delete cascade,
        add constraint needed foreign key (depends_on_job_uuid) references jobs (uuid) on delete cascade`,
      'alter table job_dependencies drop constraint own, drop constraint needed',
      run,
    )

  it('takes columns of any name, those of every JavaScript object among them, time and again', async () => {
    const names = ['constructor', 'toString', 'valueOf', '__proto__', 'hasOwnProperty'].map((name) => `"${name}"`)
    const dropAll = (table: string) => names.map((name) => `alter table ${table} drop column ${name}`)
    await altered(
      names.map((name) => `alter table jobs add column ${name} text`).join(';'),
      [...dropAll('jobs'), ...dropAll('jobs_archive')].join(';'),
      async () => {
        for (const operation of [1, 3]) {
          await world.jobs(2)
          await world.sql.unsafe(`update jobs set ${names.map((name) => `${name} = 'kept'`).join(', ')}`)
          expect(doneOf(await ask(world, prune))).toMatchObject({ affected: 2, operation })
          expect(doneOf(await world.confirm(at.undo(operation), {})).affected).toBe(2)
          const [row] = await world.sql.unsafe(
            `select count(*)::int as kept from jobs where (${names.join(', ')}) = (${names.map(() => "'kept'").join(', ')})`,
          )
          expect(row).toMatchObject({ kept: 2 })
          await world.sql`delete from jobs`
        }
      },
    )
  })

  it('gives back edges that have foreign keys, and leaves those of a job that cannot come back', async () => {
    await withForeignKeys(async () => {
      await world.jobs(1, { uuid: 'x' })
      const [y = 0] = await world.jobs(1, { uuid: 'y' })
      await world.jobs(1, { uuid: 'z' })
      await world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values ('x', 'y'), ('z', 'x')`
      const { operation = 0 } = doneOf(await ask(world, prune))
      await world.sql`insert into jobs (id, domain, queue, job_type, status) values (${y}::bigint, 'd', 'q', 't', 'queued')`

      expect(await world.confirm(at.undo(operation), {})).toMatchObject({
        body: { affected: 2, conflict_count: 1, conflicts: [{ job_id: y, reason: 'its id is taken' }] },
      })
      expect([...(await world.sql`select job_uuid, depends_on_job_uuid from job_dependencies`)]).toEqual([
        { job_uuid: 'z', depends_on_job_uuid: 'x' },
      ])
    })
  })

  it('gives back a job whose edge leads to one that another prune took, where edges have foreign keys', async () => {
    await withForeignKeys(async () => {
      await world.jobs(1, { uuid: 'needed', queue: 'first' })
      await world.jobs(1, { uuid: 'needs', queue: 'second' })
      await world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values ('needs', 'needed')`
      const { operation = 0 } = doneOf(await ask(world, prune, { queue: 'first' }))
      doneOf(await ask(world, prune, { queue: 'second' }))
      expect(doneOf(await world.confirm(at.undo(operation), {})).affected).toBe(1)
    })
  })

  it('gives back the rest where a table of another program does not take some, and says why', async () => {
    const keys = `
      create table projects (id int primary key);
      insert into projects values (1), (2);
      alter table jobs add constraint of_project foreign key (project_id) references projects;
      create unique index one_a_group on jobs (batch_group) where batch_group like 'only%'`
    const back = 'drop index one_a_group; alter table jobs drop constraint of_project; drop table projects'
    await altered(keys, back, async () => {
      const ids = await world.jobs(40)
      await world.sql`update jobs set project_id = 1 + (id % 20 = 0)::int, batch_group = case when id % 20 = 1 then 'only' || id end`
      const { operation = 0 } = doneOf(await ask(world, prune))
      await world.sql`delete from projects where id = 2`
      const taken = ids.filter((id) => id % 20 === 1)
      for (const id of taken) {
        await world.sql`
          insert into jobs (domain, queue, job_type, status, batch_group) values ('d', 'q', 't', 'queued', ${`only${id}`})`
      }
      const undone = await world.confirm(at.undo(operation), {})
      expect(undone).toMatchObject({ status: 200, body: { affected: 36, conflict_count: 4, skipped_locked: 0 } })
      const { conflicts } = z
        .object({ conflicts: z.array(z.object({ job_id: z.number(), reason: z.string() })) })
        .parse(undone.body)
      expect(new Map(conflicts.map(({ job_id, reason }) => [job_id, reason]))).toEqual(
        new Map([
          ...ids.filter((id) => id % 20 === 0).map((id) => [id, expect.stringContaining('of_project')] as const),
          ...taken.map((id) => [id, expect.stringContaining('must be unique')] as const),
        ]),
      )
      // What has been made room for comes back later.
      await world.sql`insert into projects values (2)`
      expect(await world.confirm(at.undo(operation), {})).toMatchObject({ body: { affected: 2, conflict_count: 2 } })
    })
  })

  it('gives jobs from before it the default of a column that came later', async () => {
    const back = `
      alter table jobs drop column tenant, drop column mark, drop column "cost.eur", drop column place;
      alter table jobs_archive drop column tenant, drop column mark, drop column "cost.eur", drop column place`
    await altered('select 1', back, async () => {
      await world.jobs(2, { queue: 'before' })
      const { operation = 0 } = doneOf(await ask(world, prune, { queue: 'before' }))
      await world.sql`
        alter table jobs add column tenant text not null default 'd', add column mark uuid not null default gen_random_uuid(),
          add column "cost.eur" int, add column place text default 'here'`
      await world.jobs(1, { queue: 'after' })
      doneOf(await ask(world, prune, { queue: 'after' }))
      expect(doneOf(await world.confirm(at.undo(operation), {})).affected).toBe(2)
      expect(await world.sql`select tenant, mark is null as unmarked, "cost.eur", place from jobs`).toEqual(
        [1, 2].map(() => ({ tenant: 'd', unmarked: false, 'cost.eur': null, place: 'here' })),
      )
    })
  })

  it('refuses an undo where a column has another type by now, and takes nothing out', async () => {
    const back = 'alter table jobs drop column tx; alter table jobs_archive drop column tx'
    await altered('alter table jobs add column tx text', back, async () => {
      await world.jobs(1)
      const { operation = 0 } = doneOf(await ask(world, prune))
      await world.sql`alter table jobs alter column tx type int using tx::int`
      expect(await world.confirm(at.undo(operation), {})).toMatchObject({
        status: 409,
        body: { code: 'conflict', detail: expect.stringContaining('the column tx of jobs has the type integer now') },
      })
      expect(await world.sql`select from jobs_archive`).toHaveLength(1)
    })
  })

  it('is added a column that jobs has got since', async () => {
    const back = 'alter table jobs drop column tenant; alter table jobs_archive drop column tenant'
    await altered('alter table jobs add column tenant uuid default gen_random_uuid()', back, async () => {
      await world.jobs(2)
      const before = await world.rows()
      const { operation = 0 } = doneOf(await ask(world, prune))
      expect(doneOf(await world.confirm(at.undo(operation), {})).affected).toBe(2)
      expect(await world.rows()).toEqual(before)
    })
  })

  it.each([
    ['narrower', 'alter table jobs add column size numeric; alter table jobs_archive add column size real', 'size'],
    ['of the archive itself', 'alter table jobs add column operation_id text', 'operation_id'],
  ])('refuses a prune where a column is %s, and deletes nothing', async (_what, change, column) => {
    const back = `alter table jobs drop column ${column}${column === 'size' ? '; alter table jobs_archive drop column size' : ''}`
    await altered(change, back, async () => {
      await world.jobs(2)
      const before = await world.fingerprint()
      expect(await ask(world, prune)).toMatchObject({
        status: 409,
        body: { code: 'conflict', detail: expect.stringContaining(`the column ${column} of jobs_archive`) },
      })
      expect(await world.fingerprint()).toBe(before)
    })
  })
})

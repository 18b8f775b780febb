import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ask, at, clearAll, doneOf, prune } from './bulk-tools.ts'
import { kinds } from './database.ts'
import { openWorld, type World } from './world.ts'

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

  it('gives back edges that have foreign keys, and leaves those of a job that cannot come back', async () => {
    const keys = `
      alter table job_dependencies
        add constraint own foreign key (job_uuid) references jobs (uuid) on delete cascade,
        add constraint needed foreign key (depends_on_job_uuid) references jobs (uuid) on delete cascade`
    await altered(keys, 'alter table job_dependencies drop constraint own, drop constraint needed', async () => {
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

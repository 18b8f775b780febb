import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, at, clearAll, doneOf, expectIntact, prune } from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, type World } from '../../support/world.ts'
import { addOddColumns, contents, everything, insertContents } from './contents.ts'

/** `PROPERTY_RUNS=2000` is a long search; `PROPERTY_SEED` repeats one. */
const { PROPERTY_RUNS: runs = '5', PROPERTY_SEED: seed } = process.env
const timeout = 300_000 + Number(runs) * 3000

describe.each(kinds)('prune and undo on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
    await addOddColumns(world.sql)
  })
  afterAll(() => world?.stop())

  it('bring back every column of every job, with all that hung on it, again and again', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(contents, fc.integer({ min: 1, max: 3 }), async (jobs, times) => {
        await clearAll(world)
        await insertContents(world.sql, jobs)
        const before = await everything(world.sql)
        for (let time = 0; time < times; time += 1) {
          const { affected, operation = 0 } = doneOf(await ask(world, prune))
          expect(affected).toBe(jobs.length)
          expect(await world.count()).toBe(0)
          const undone = doneOf(await world.confirm(at.undo(operation), {}))
          expect(undone.affected).toBe(jobs.length)
          expect(await everything(world.sql)).toEqual(before)
          await world.sql`delete from jobsctl_holds`
        }
        await expectIntact(world)
      }),
      { numRuns: Number(runs), ...(seed && { seed: Number(seed) }) },
    )
  })

  it('bring back what is far larger than a page of the database', async () => {
    await clearAll(world)
    const [id] = await world.jobs(1, { payload: { text: 'ü📚\n"'.repeat(200_000) } })
    await world.sql`
      insert into job_attachments (job_id, kind, content_text)
      values (${id ?? 0}::bigint, 'log', (select string_agg(md5(n::text), ' ') from generate_series(1, 50000) n))`
    const before = await everything(world.sql)
    const { operation = 0 } = doneOf(await ask(world, prune))
    expect(doneOf(await world.confirm(at.undo(operation), {})).affected).toBe(1)
    expect(await everything(world.sql)).toEqual(before)
  })
})

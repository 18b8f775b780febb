import { describe, expect, it } from 'vitest'
import { wireTo } from '../../../scripts/launch/wire.ts'
import { ask, doneOf, prune, recordOf } from '../../support/changes/bulk-tools.ts'
import { newDatabase } from '../../support/database/database.ts'
import { openWorld } from '../../support/world.ts'

describe('a change on a database that is far away', () => {
  it('has batches of many jobs: the way to the database does not make batches smaller', async () => {
    const database = await newDatabase('postgres')
    const wire = await wireTo(database.env.JOBS_DB_URL ?? '')
    const env = { ...database.env, JOBS_DB_URL: wire.url }
    const world = await openWorld('postgres', {}, Promise.resolve({ env, drop: async () => {} }))
    try {
      await world.sql`
        insert into jobs (domain, queue, job_type, status, completed_at)
        select 'chatbooks', 'default', 't', 'completed', now() - interval '60 days' + i * interval '1 second'
        from generate_series(1, 10000) as i`
      wire.slow(() => 30)
      expect(doneOf(await ask(world, prune)).affected).toBe(10_000)
      wire.slow(() => 0)
      // On a quiet machine there are five batches. With the way counted as work, a batch ends at a single job.
      expect((await recordOf(world, 1)).batches).toBeLessThan(100)
    } finally {
      await world.stop()
      await wire.stop()
      await database.drop()
    }
  }, 120_000)
})

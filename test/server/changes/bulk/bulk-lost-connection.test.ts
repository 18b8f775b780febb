import { describe, expect, it } from 'vitest'
import { wireTo } from '../../../../scripts/launch/wire.ts'
import { ask, otherProgram, prune } from '../../../support/changes/bulk-tools.ts'
import { newDatabase } from '../../../support/database/database.ts'
import { until } from '../../../support/poll.ts'
import { openWorld } from '../../../support/world.ts'

describe('a change whose server loses the database', () => {
  it('has its record closed by that server as soon as the database can be reached', async () => {
    const database = await newDatabase('postgres')
    const wire = await wireTo(database.env.JOBS_DB_URL ?? '')
    const env = { ...database.env, JOBS_DB_URL: wire.url }
    const world = await openWorld('postgres', {}, Promise.resolve({ env, drop: async () => {} }))
    const direct = otherProgram({ ...world, env: database.env })
    try {
      await world.jobs(4000)
      await direct.unsafe(`
        create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.2); return null; end $$;
        create trigger slow after delete on jobs for each statement execute function slow()`)
      const answer = ask(world, prune)
      const record = async () => (await direct`select state, error, affected::int from job_operations`)[0]
      await until('a batch is committed', async () => (await record())?.affected)
      wire.refuse('reset')
      wire.cut('reset')
      expect((await answer).status).toBe(503)
      expect(await record()).toMatchObject({ state: 'running' })
      wire.refuse(undefined)
      const closed = await until('the record is closed', async () => {
        const now = await record()
        return now?.state === 'running' ? undefined : now
      })
      // Not by the sweep of orphaned records, which waits for ten seconds of silence.
      expect(closed).toMatchObject({ state: 'partial', error: expect.not.stringContaining('its server died') })
    } finally {
      await direct.end()
      await world.stop()
      await wire.stop()
      await database.drop()
    }
  }, 120_000)
})

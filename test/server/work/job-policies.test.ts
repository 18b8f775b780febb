import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../support/database/database.ts'
import { workerOf } from '../../support/worker.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

describe.each(kinds)(
  'policies in the rows of jobs, as the newer version of the other program has them, on %s',
  (kind) => {
    let world: World
    let worker: ReturnType<typeof workerOf>
    beforeAll(async () => {
      world = await openWorld(kind)
      worker = workerOf(world.post)
      await world.sql`alter table jobs add column if not exists quarantine_threshold integer`
      await world.sql`
      alter table jobs add column if not exists expired_lease_policy text not null default 'consume_retry'`
    })
    afterAll(() => world?.stop())
    beforeEach(() => world.clear())

    it.each([
      { threshold: 1, failures: 1 },
      { threshold: 5, failures: 5 },
      { threshold: null, failures: 3 },
    ])('quarantines after $failures equal failures with the threshold $threshold', async ({ threshold, failures }) => {
      const { id } = await worker.enqueue({ max_retries: 20 })
      await world.sql`update jobs set quarantine_threshold = ${threshold}::int`
      for (let nth = 1; nth < failures; nth++)
        expect(await worker.fail(await worker.take(), { error_code: 'c', backoff_seconds: 0 })).toMatchObject({
          status: 'queued',
        })
      expect(await worker.fail(await worker.take(), { error_code: 'c' })).toMatchObject({ id, status: 'quarantined' })
    })

    /** Two jobs with a lease that is over, the second of which is not to count that as an attempt. */
    async function lost(): Promise<void> {
      await worker.enqueueAll([{ max_retries: 0 }, { max_retries: 0 }])
      await worker.lease({ limit: 2 })
      await world.sql`
      update jobs set expired_lease_policy = 'requeue_no_attempt' where id = (select max(id) from jobs)`
      await world.sql`update jobs set leased_until = now() - interval '1 minute', failure_streak_count = 0`
    }
    const statuses = async () => (await world.rows()).map(({ status, retry_count }) => [status, retry_count])

    it('counts no attempt of a lease that ran out, when a worker asks', async () => {
      await lost()
      expect(await worker.lease({ limit: 2, worker_id: 'another' })).toHaveLength(1)
      expect(await statuses()).toEqual([
        ['failed', 0],
        ['processing', 0],
      ])
    })

    it.each([
      ['an integrity fix', paths.integrity, { fix: true }],
      ['a reclaim that counts attempts', '/api/v1/jobs/batch/reclaim', { domain: 'chatbooks', count_attempt: true }],
    ])('counts none by %s', async (_, path, body) => {
      await lost()
      expect((await world.confirm(path, body)).status).toBe(200)
      expect(await statuses()).toEqual([
        ['failed', 0],
        ['queued', 0],
      ])
    })
  },
)

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../support/database/database.ts'
import { jobPaths, newJob, workerOf } from '../../support/worker.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

describe.each(kinds)('what a job and its queue say about failures, on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind)
    worker = workerOf(world.post)
    // As the newer version of the other program has it.
    await world.sql`
      alter table jobs add column if not exists expired_lease_policy text not null default 'consume_retry'`
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const setQueue = (threshold: number | null) => world.sql`
    insert into jobsctl_queues (domain, queue, quarantine_threshold)
    values ('chatbooks', 'default', ${threshold}::int), ('chatbooks', 'other', 1), ('other', 'default', 1)`

  /** How often the job fails with one code until it is no longer tried again, and its status then; 8 times at most. */
  async function failUntilEnd(): Promise<[failures: number, status: unknown]> {
    for (let failures = 1; failures < 8; failures++) {
      const { status } = await worker.fail(await worker.take(), { error_code: 'c', backoff_seconds: 0 })
      if (status !== 'queued') return [failures, status]
    }
    return [8, 'queued']
  }

  it.each([
    { own: 1, queue: undefined, server: 3, ends: [1, 'quarantined'] },
    { own: 5, queue: undefined, server: 3, ends: [5, 'quarantined'] },
    { own: null, queue: undefined, server: 3, ends: [3, 'quarantined'] },
    { own: null, queue: null, server: 3, ends: [3, 'quarantined'] },
    { own: null, queue: 2, server: 3, ends: [2, 'quarantined'] },
    { own: null, queue: 4, server: 3, ends: [4, 'quarantined'] },
    { own: null, queue: 0, server: 3, ends: [7, 'failed'] },
    { own: 2, queue: 0, server: 3, ends: [2, 'quarantined'] },
    { own: 2, queue: 4, server: 3, ends: [2, 'quarantined'] },
  ])('a job with the threshold $own in a queue with $queue ends $ends', async ({ own, queue, ends }) => {
    if (queue !== undefined) await setQueue(queue)
    await worker.enqueue({ max_retries: 6, quarantine_threshold: own })
    expect(await failUntilEnd()).toEqual(ends)
  })

  it('goes by the threshold of each job where a call ends several, and where leases are lost', async () => {
    await setQueue(2)
    const own = [1, 3, null]
    await worker.enqueueAll(own.map((quarantine_threshold) => ({ max_retries: 6, quarantine_threshold })))
    const leased = await worker.lease({ limit: 3 })
    await world.post(jobPaths.finishMany, {
      jobs: leased.map(({ id, worker_id, lease_id }) => ({
        ...{ action: 'fail', id, worker_id, lease_id, error: 'e', error_code: 'c', backoff_seconds: 0 },
      })),
    })
    const statuses = async () => (await world.rows()).map(({ status }) => status)
    expect(await statuses()).toEqual(['quarantined', 'queued', 'queued'])
    await world.sql`update jobs set failure_streak_code = 'lease_expired'`
    await worker.lease({ limit: 3 })
    await world.sql`update jobs set leased_until = now() - interval '1 minute' where status = 'processing'`
    await worker.lease({ limit: 1, worker_id: 'another' })
    expect(await statuses()).toEqual(['quarantined', 'processing', 'quarantined'])
  })

  it('counts before a reclaim which dependents go along by the threshold of each job', async () => {
    await setQueue(1)
    const [, own] = await worker.enqueueAll([{}, { quarantine_threshold: 2 }])
    const [first] = await world.rows()
    await worker.enqueueAll([
      ...[1, 2].map(() => ({ depends_on: [String(first?.uuid)] })),
      { depends_on: [String(own?.uuid)] },
    ])
    await worker.lease({ limit: 2 })
    const reclaim = { domain: 'chatbooks', count_attempt: true }
    const { body } = await world.post('/api/v1/jobs/batch/reclaim', { ...reclaim, dry_run: true })
    expect(body).toMatchObject({ affected: 2, preview: { dependents: 2 } })
    expect(await world.confirm('/api/v1/jobs/batch/reclaim', reclaim)).toMatchObject({
      body: { affected: 2, dependents: 2 },
    })
  })

  it.each([0, 101, 1.5, '3'])('a job cannot have the threshold %s', async (quarantine_threshold) => {
    const refused = { status: 422, body: { errors: [{ path: 'quarantine_threshold' }] } }
    expect(await world.post(jobPaths.enqueue, newJob({ quarantine_threshold }))).toMatchObject(refused)
    expect(await world.rows()).toEqual([])
  })

  it('is stored and shown with each job of a batch, goes with a prune and comes back by an undo', async () => {
    await worker.enqueueAll([{ quarantine_threshold: 7 }, {}])
    const [{ id } = { id: 0 }] = await worker.lease({ limit: 1 })
    expect((await world.call('GET', `/api/v1/jobs/${id}`)).body).toMatchObject({ quarantine_threshold: 7 })
    await world.sql`update jobs set status = 'completed', completed_at = now() - interval '90 days'`
    const pruned = await world.confirm(paths.prune, {})
    expect(pruned.body).toMatchObject({ deleted: 2 })
    expect((await world.call('GET', `/api/v1/jobs/${id}`)).body).toMatchObject({
      archived: true,
      quarantine_threshold: 7,
    })
    await world.confirm(`/api/v1/jobs/operations/${Object(pruned.body).operation_id}/undo`, {})
    expect(await world.sql`select quarantine_threshold as own from jobs order by id`).toEqual([
      { own: 7 },
      { own: null },
    ])
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
})

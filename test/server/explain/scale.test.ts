import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type * as z from 'zod'
import { scale } from '../../../shared/endpoints.ts'
import { kinds } from '../../support/database/database.ts'
import { ago, type Wanted } from '../../support/database/job-row.ts'
import { until } from '../../support/poll.ts'
import { jobPaths } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(kinds)('how many workers a queue wants, on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    await world.sql`delete from jobsctl_history_minutes`
    await world.sql`delete from jobsctl_transitions`
  })

  const queue = { domain: 'd', queue: 'q' }
  const ask = (query: object = {}) => world.call('GET', `${scale.path}?${new URLSearchParams({ ...queue, ...query })}`)
  /** The answer, once the counts have the jobs that were just made. */
  async function wanted(query: object, counts: { backlog: number; running: number }) {
    return until('the counts have all jobs', async () => {
      const { status, body } = await ask(query)
      expect({ status, body }).toMatchObject({ status: 200 })
      const answer: z.output<typeof scale.output> = scale.output.parse(body)
      return answer.backlog === counts.backlog && answer.running === counts.running ? answer : undefined
    })
  }
  const jobs = (n: number, more: Wanted) => world.jobs(n, { ...queue, ...more })
  /** Attempts that ended a minute ago. */
  const ran = (n: number, seconds: number) => world.sql`
    insert into jobsctl_history_minutes (starts, domain, queue, job_type, from_status, to_status, jobs, milliseconds, buckets)
    select date_trunc('minute', now()) - interval '1 minute', 'd', 'q', 't', 'processing', 'completed', ${n}::bigint,
      ${n * seconds * 1000}::numeric, array[${n}::bigint] || array_fill(0::bigint, array[14])`

  it('is those that do the due jobs in a minute beside the running ones, by the run time of the last hour', async () => {
    await jobs(90, { status: 'queued', created_at: ago(300) })
    await jobs(2, { status: 'processing' })
    await jobs(5, { status: 'queued', available_at: ago(-3600) })
    await ran(10, 4)
    const counts = { backlog: 90, running: 2 }
    expect(await wanted({}, counts)).toEqual({
      ...queue,
      ...counts,
      as_of: expect.any(String),
      known: true,
      oldest_seconds: expect.any(Number),
      mean_run_seconds: 4,
      mean_of_jobs: 10,
      held_by: null,
      // 90 jobs of 4 s in 60 s are 6 at a time.
      wanted_workers: 8,
    })
    expect((await wanted({}, counts)).oldest_seconds).toBeGreaterThanOrEqual(300)
    expect(await wanted({ within_seconds: '10' }, counts)).toMatchObject({ wanted_workers: 38 })
    expect(await wanted({ within_seconds: '1' }, counts)).toMatchObject({ wanted_workers: 92 })
    expect(await wanted({ per_worker: '5' }, counts)).toMatchObject({ wanted_workers: 2 })
  })

  it('is one more than now where no run time is known and jobs are due, and those of the running jobs without any', async () => {
    await jobs(7, { status: 'queued' })
    await jobs(3, { status: 'processing' })
    expect(await wanted({}, { backlog: 7, running: 3 })).toMatchObject({
      ...{ mean_run_seconds: null, mean_of_jobs: 0, wanted_workers: 4 },
    })
    await world.sql`update jobs set status = 'completed', completed_at = now() where status = 'queued'`
    expect(await wanted({}, { backlog: 0, running: 3 })).toMatchObject({ wanted_workers: 3, oldest_seconds: 0 })
  })

  it('is no more than the running jobs while the queue is stopped, and no more than a throttle lets run', async () => {
    await jobs(50, { status: 'queued' })
    await jobs(2, { status: 'processing' })
    await ran(10, 60)
    const counts = { backlog: 50, running: 2 }
    await world.post('/api/v1/jobs/queue/throttle', { ...queue, running: 9 })
    expect(await wanted({}, counts)).toMatchObject({ wanted_workers: 9, held_by: null })
    await world.post('/api/v1/jobs/queue/throttle', { ...queue, running: null, per_minute: 5 })
    expect(await wanted({}, counts)).toMatchObject({ wanted_workers: 7 })
    await world.post('/api/v1/jobs/queue/throttle', { ...queue, running: null, per_minute: null })
    expect(await wanted({}, counts)).toMatchObject({ wanted_workers: 52 })
    await world.post(jobPaths.control, { ...queue, action: 'pause', reason: 'moving' })
    expect(await wanted({}, counts)).toMatchObject({ wanted_workers: 2, held_by: 'queue_paused' })
    await world.post(jobPaths.control, { ...queue, action: 'resume' })
  })

  it('is 0 for a queue that never had a job, and `known` is false', async () => {
    const { status, body } = await ask({ queue: 'typo' })
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { known: false, backlog: 0, running: 0, oldest_seconds: 0, wanted_workers: 0, held_by: null },
    })
  })

  it.each([
    [{ within_seconds: '0' }, 'within_seconds'],
    [{ per_worker: 'two' }, 'per_worker'],
    [{ queue: '' }, 'queue'],
  ])('is refused for %j', async (query, field) => {
    const { status, body } = await ask(query)
    expect({ status, text: JSON.stringify(body) }).toEqual({ status: 422, text: expect.stringContaining(field) })
  })
})

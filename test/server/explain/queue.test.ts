import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { explainQueue } from '../../../shared/endpoints.ts'
import type { QueueExplanation } from '../../../shared/explain/queue.ts'
import { kinds } from '../../support/database/database.ts'
import { ago, type Wanted } from '../../support/database/job-row.ts'
import { jobPaths } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(kinds)('why nothing of a queue runs, on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    await world.sql`insert into jobsctl_worker_marks (domain, queue, worker_id, filter) values ('d', 'q', 'w', '')`
    // The counts of the triggers would note the running jobs of an earlier test up to a second later.
    await world.sql`
      insert into jobsctl_pickups (domain, queue, job_type, picked_up_at) values ('d', 'q', 'export', 'infinity')
      on conflict (domain, queue, job_type) do update set picked_up_at = excluded.picked_up_at`
  })

  const ask = (query: Record<string, string>) =>
    world.call('GET', `/api/v1/jobs/queues/explain?${new URLSearchParams(query)}`)
  async function explain(): Promise<QueueExplanation> {
    const { status, body } = await ask({ domain: 'd', queue: 'q' })
    expect(status, JSON.stringify(body)).toBe(200)
    return explainQueue.output.parse(body)
  }
  const jobs = (n: number, wanted: Wanted) => world.jobs(n, { domain: 'd', queue: 'q', ...wanted })
  const told = ({ reasons }: QueueExplanation) => reasons.map(({ code, sentence }) => `${code}: ${sentence}`)

  it('is nothing where jobs are due and workers ask', async () => {
    await jobs(2, { status: 'queued', created_at: ago(600), job_type: 'a' })
    const [oldest] = await jobs(1, { status: 'queued', available_at: ago(7200), priority: 9 })
    await jobs(1, { status: 'processing' })
    await jobs(1, { status: 'queued', queue: 'other' })
    expect(await explain()).toMatchObject({
      ...{ domain: 'd', queue: 'q', due: 3, scheduled: 0, processing: 1, quarantined: 0, leased: 1, workers: 1 },
      oldest_wait: { id: oldest, seconds: expect.any(Number) },
      reasons: [],
      sentence: expect.stringMatching(
        /^d\/q: 3 jobs due, the oldest for 2h.*, 1 leased\. Nothing keeps them from running\.$/,
      ),
    })
  })

  it('is that it is stopped, by whom and why, with the call that resumes it', async () => {
    await jobs(1, { status: 'queued' })
    const control = { domain: 'd', queue: 'q', reason: 'moving' }
    await world.post(jobPaths.control, { ...control, action: 'drain' })
    const { reasons } = await explain()
    expect(reasons).toMatchObject([
      {
        code: 'queue_draining',
        sentence: expect.stringMatching(/^d\/q drains since .* by single-user \("moving"\)$/),
        remedy: { jobsctl: ['resume', 'd/q'] },
      },
    ])
    await world.post(reasons[0]?.remedy?.http.path ?? '', reasons[0]?.remedy?.http.body)
    expect(told(await explain())).toEqual([])
  })

  it.each([
    ['blank', ' '],
    ['trimmed', ' q'],
    ['with a line', 'q\nr'],
    ['long', 'q'.repeat(129)],
  ])('has no call that resumes a queue whose name no call takes: %s', async (_what, queue) => {
    const [id] = await world.jobs(1, { status: 'queued', domain: 'd', queue })
    await world.sql`insert into job_queue_controls (domain, queue, paused) values ('d', ${queue}, true)`
    const { body } = await world.call('GET', `/api/v1/jobs/${id}/explain`)
    expect(Object(body).reasons[0]).toMatchObject({ code: 'queue_paused', remedy: null })
  })

  it('is that nothing is due, until when', async () => {
    await jobs(1, { status: 'queued', available_at: ago(-7300) })
    await jobs(1, { status: 'queued', available_at: ago(-9999), priority: 1 })
    await jobs(1, { status: 'queued', available_at: 'infinity' })
    const [reason, ...others] = told(await explain())
    expect(reason).toMatch(/^nothing_due: 3 jobs scheduled for later, the next at .* UTC, in (2h|1h 59m)/)
    expect(others).toEqual([])
  })

  it('is that all jobs are leased, and by how many workers', async () => {
    await jobs(2, { status: 'processing' })
    await jobs(1, { status: 'processing', worker_id: 'other' })
    expect(told(await explain())).toEqual(['all_leased: 3 jobs being worked on by 2 workers, and no other job is due'])
    await jobs(1, { status: 'queued', available_at: ago(-60) })
    expect((await explain()).reasons.map(({ code }) => code)).toEqual(['all_leased', 'nothing_due'])
  })

  it('says of more leased jobs than are counted, and of more running ones than a throttle can allow, that there are more', async () => {
    await world.sql`
      insert into jobs (domain, queue, job_type, status, worker_id, lease_id, leased_until, acquired_at)
      select 'd', 'q', 'export', 'processing', 'w-' || n % 7, 'l-' || n, now() + interval '1 hour', now()
      from generate_series(1, 10050) as n`
    await world.post('/api/v1/jobs/queue/throttle', { domain: 'd', queue: 'q', running: 10_000 })
    const found = await explain()
    expect(found.sentence).toMatch(/^d\/q: 0 jobs due, at least 10,000 leased\.$/)
    expect(told(found)).toEqual([
      expect.stringMatching(/^throttled: d\/q is throttled: more than 10,000 are running, and at most 10,000 may/),
      'all_leased: at least 10,000 jobs being worked on by at least 7 workers, and no other job is due',
    ])
    await world.post('/api/v1/jobs/queue/throttle', { domain: 'd', queue: 'q', running: null })
  })

  it('is that all due jobs wait for others', async () => {
    await jobs(1, { status: 'queued', uuid: 'a' })
    await jobs(1, { status: 'queued', uuid: 'b', priority: 1 })
    await world.jobs(1, { status: 'processing', uuid: 'needed' })
    await world.sql`
      insert into job_dependencies (job_uuid, depends_on_job_uuid) values ('a', 'needed'), ('b', 'needed')`
    expect(told(await explain())).toEqual(['all_blocked: all 2 jobs that are due wait for other jobs'])
    await jobs(1, { status: 'queued' })
    expect(told(await explain())).toEqual([])
  })

  it('looks at the first 2,000 jobs in line alone', async () => {
    await world.jobs(1, { status: 'processing', uuid: 'needed' })
    await world.sql`
      insert into jobs (uuid, domain, queue, job_type, status, created_at)
      select 'u' || n, 'd', 'q', 't', 'queued', now() - interval '1 day' from generate_series(1, 2100) as n`
    await world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) select uuid, 'needed' from jobs where uuid like 'u%'`
    expect(told(await explain())).toEqual([
      'all_blocked: the first 2,000 jobs in line wait for other jobs; the rest was not looked at',
    ])
  })

  it('is that no worker asks', async () => {
    await world.sql`update jobsctl_worker_marks set asked_at = now() - interval '20 minutes'`
    await jobs(1, { status: 'queued' })
    expect(told(await explain())).toEqual([
      expect.stringMatching(/^no_worker: no worker has picked up jobs of d\/q for 20m, and none has asked/),
    ])
    await jobs(1, { acquired_at: ago(60), completed_at: ago(30) })
    expect(told(await explain())).toEqual([])
  })

  it('is that it is empty, with the jobs in quarantine', async () => {
    await jobs(1, { status: 'completed' })
    expect(told(await explain())).toEqual(['empty: no job waits or runs'])
    await jobs(2, { status: 'quarantined' })
    expect(told(await explain())).toEqual(['empty: no job waits or runs; 2 jobs are quarantined'])
  })

  it('is 404 for a queue that never had a job and was never stopped; a queue without a name is 422', async () => {
    expect(await ask({ domain: 'd', queue: 'nothing' })).toMatchObject({ status: 404, body: { code: 'not_found' } })
    await world.post(jobPaths.control, { domain: 'd', queue: 'nothing', action: 'pause' })
    expect((await ask({ domain: 'd', queue: 'nothing' })).body).toMatchObject({ reasons: [{}, {}, { code: 'empty' }] })
    for (const query of [{}, { domain: 'd' }, { domain: 'd', queue: ' ' }, { domain: 'd', queue: 'q', job_type: 't' }])
      expect((await ask(query)).status).toBe(422)
  })
})

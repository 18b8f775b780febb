import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { jobPaths, newJob, workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

const minimal = { prefer: 'return=minimal' }

describe('Prefer: return=minimal', () => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld('postgres')
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())

  it('enqueue answers the id, and whether the job existed', async () => {
    const job = newJob({ idempotency_key: 'one' })
    const first = await world.post(jobPaths.enqueue, job, minimal)
    expect(first).toMatchObject({ status: 201, headers: { 'preference-applied': 'return=minimal' } })
    const { id } = await worker.enqueue({ idempotency_key: 'one' })
    expect(first.body).toEqual({ ids: [id], created: 1 })
    const again = await world.post(jobPaths.enqueue, job, { prefer: 'wait=5, Return = "minimal"; x=1' })
    expect(again).toMatchObject({ status: 200, body: { ids: [id], created: 0, existing: [0] } })
  })

  it('a batch answers the ids in the order of the request', async () => {
    const { id } = await worker.enqueue({ idempotency_key: 'two' })
    const jobs = [newJob(), newJob({ idempotency_key: 'two' }), newJob()]
    const { status, body } = await world.post(jobPaths.batch, { jobs }, minimal)
    expect({ status, body }).toMatchObject({
      status: 201,
      body: { created: 2, existing: [1], ids: [expect.any(Number), id, expect.any(Number)] },
    })
  })

  it('acquire answers what a worker needs to run a job and to finish it, in pick order', async () => {
    const domain = 'minimal'
    const jobs = [
      { priority: 7, payload: { n: 2 } },
      { payload: { n: 1 }, owner_user_id: 'anna' },
    ].map((job) => newJob({ domain, ...job }))
    await world.post(jobPaths.batch, { jobs }, minimal)
    const request = { domain, worker_id: 'w', limit: 5 }
    const { status, headers, body } = await world.post(jobPaths.acquire, request, minimal)
    expect({ status, applied: headers['preference-applied'] }).toEqual({ status: 200, applied: 'return=minimal' })
    const lease = {
      ...{ id: expect.any(Number), uuid: expect.any(String), lease_id: expect.any(String), worker_id: 'w' },
      ...{ domain, queue: 'default', job_type: jobs[0]?.job_type, status: 'processing' },
      ...{ request_id: expect.any(String), trace_id: null, traceparent: null, retry_count: 0, max_retries: 3 },
      leased_until: expect.stringMatching(/Z$/),
    }
    expect(body).toEqual({
      jobs: [
        { ...lease, priority: 5, owner_user_id: 'anna', payload: { n: 1 } },
        { ...lease, priority: 7, owner_user_id: null, payload: { n: 2 } },
      ],
    })
    const [{ id, lease_id }] = z
      .object({ jobs: z.tuple([z.object({ id: z.number(), lease_id: z.string() })]).rest(z.unknown()) })
      .parse(body).jobs
    const done = await world.post(`/api/v1/jobs/${id}/complete`, { worker_id: 'w', lease_id })
    expect(done).toMatchObject({ status: 200, body: { status: 'completed' } })
    expect((await world.post(jobPaths.acquire, request, minimal)).body).toEqual({ jobs: [] })
  })

  it('finish answers how many were finished, and the codes of those that were not', async () => {
    const job = await worker.take()
    const { id, worker_id, lease_id } = job
    const items = [
      { action: 'complete', id, worker_id, lease_id },
      { action: 'release', id: 999_999_999, worker_id, lease_id },
    ]
    const answer = await world.post('/api/v1/jobs/finish', { jobs: items }, minimal)
    expect(answer).toMatchObject({ status: 200, headers: { 'preference-applied': 'return=minimal' } })
    expect(answer.body).toEqual({ ok: 1, failed: [{ index: 1, code: 'not_found' }] })
  })

  it('other preferences, and other endpoints, answer as without it', async () => {
    const { body, headers } = await world.post(jobPaths.enqueue, newJob(), { prefer: 'return=representation' })
    expect(body).toMatchObject({ created: true, status: 'queued' })
    expect(headers['preference-applied']).toBeUndefined()
    const { id, lease_id } = await worker.take()
    const done = await world.post(`/api/v1/jobs/${id}/complete`, { worker_id: 'w', lease_id }, minimal)
    expect(done.headers['preference-applied']).toBeUndefined()
  })
})

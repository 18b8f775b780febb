import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { justNow } from '../../support/differences.ts'
import { jobPaths, newJob, workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(kinds)('enqueue on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind, { JOBS_MAX_JSON_BYTES: '2000' })
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  it('takes a job in with what is usual, answers 201 with its row, and tells one event', async () => {
    const answer = await world.post(jobPaths.enqueue, { domain: ' chatbooks ', job_type: 'export', payload: {} })

    const [row] = await world.rows()
    expect(answer).toMatchObject({ status: 201, body: { created: true, id: row?.id, uuid: row?.uuid } })
    expect(row).toMatchObject({
      ...{ domain: 'chatbooks', queue: 'default', job_type: 'export', payload: {}, status: 'queued' },
      ...{ priority: 5, max_retries: 3, retry_count: 0, failure_streak_count: 0 },
      ...{ available_at: null, lease_id: null, worker_id: null, created_at: justNow },
      uuid: expect.stringMatching(/^[\da-f-]{36}$/),
      request_id: answer.headers['x-request-id'],
    })
    expect(await world.steps()).toMatchObject([
      { event_type: 'job.created', request_id: row?.request_id, attrs_json: { caller: 'single-user' } },
    ])
  })

  it('keeps every field of the request', async () => {
    const needed = await worker.enqueue()
    const fields = {
      ...{ domain: 'Ünï', queue: 'low', job_type: 'render', owner_user_id: 'u 1', priority: 10, max_retries: 0 },
      ...{ batch_group: 'b', project_id: -(2 ** 31), idempotency_key: 'k'.repeat(256) },
      payload: { deep: [{ text: '📚"\\\n', number: -1.5e-7, none: null, empty: '' }] },
    }
    const at = { available_at: '2030-01-31T12:00:00.123456+02:00' }
    const job = await worker.enqueue({ ...fields, ...at, depends_on: [needed.uuid, needed.uuid] })

    expect(job).toMatchObject({ ...fields, available_at: '2030-01-31T10:00:00.123456Z', created: true })
    expect((await world.rows())[1]).toMatchObject(fields)
    expect([...(await world.sql`select job_uuid, depends_on_job_uuid from job_dependencies`)]).toEqual([
      { job_uuid: job.uuid, depends_on_job_uuid: needed.uuid },
    ])
  })

  it('answers 200 with the job that is there under its key, and changes nothing', async () => {
    const first = await worker.enqueue({ idempotency_key: 'k' })
    const before = await world.fingerprint()

    const again = await world.post(
      jobPaths.enqueue,
      newJob({ idempotency_key: 'k', payload: { other: 1 }, priority: 1 }),
    )

    expect(again).toMatchObject({ status: 200, body: { ...first, created: false } })
    expect(await world.fingerprint()).toBe(before)
  })

  it('takes a key once in each domain, queue and job type, whatever became of the job', async () => {
    const first = await worker.enqueue({ idempotency_key: 'k' })
    await worker.complete(await worker.take())
    expect(await worker.enqueue({ idempotency_key: 'k' })).toMatchObject({ id: first.id, status: 'completed' })
    for (const other of [{ domain: 'other' }, { queue: 'other' }, { job_type: 'other' }, { idempotency_key: 'K' }]) {
      expect(await worker.enqueue({ idempotency_key: 'k', ...other })).toMatchObject({ created: true })
    }
    expect(await world.count()).toBe(5)
  })

  it('takes in one of many with the same key that come at once', async () => {
    const jobs = await Promise.all(Array.from({ length: 20 }, () => worker.enqueue({ idempotency_key: 'k' })))
    expect(jobs.filter(({ created }) => created)).toHaveLength(1)
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(1)
    expect(await world.count()).toBe(1)
    expect(await world.steps()).toHaveLength(1)
  })

  it('takes 1,000 jobs at once, in the order of the request', async () => {
    const jobs = await worker.enqueueAll(Array.from({ length: 1000 }, (_, n) => ({ payload: { n }, batch_group: 'b' })))
    expect(jobs.map(({ payload }) => payload)).toEqual(jobs.map((_, n) => ({ n })))
    const rows = await world.rows()
    expect(rows.map(({ payload }) => payload)).toEqual(jobs.map((_, n) => ({ n })))
    expect(await world.steps()).toHaveLength(1000)
  })

  it('takes none of a batch in which one is wrong, and says which', async () => {
    const before = await world.fingerprint()
    const refused = async (job: object, status: number) => {
      const answer = await world.post(jobPaths.batch, { jobs: [newJob(), newJob(), { ...newJob(), ...job }] })
      expect(answer, JSON.stringify(job).slice(0, 80)).toMatchObject({ status })
      expect(await world.fingerprint()).toBe(before)
      return answer.body
    }
    expect(await refused({ priority: 11 }, 422)).toMatchObject({ errors: [{ path: 'jobs.2.priority' }] })
    expect(await refused({ depends_on: ['nobody'] }, 422)).toMatchObject({
      detail: expect.stringContaining('no job has the uuid nobody'),
    })
    expect(await refused({ payload: { text: 'x'.repeat(2000) } }, 413)).toMatchObject({
      detail: expect.stringContaining('jobs.2'),
    })
  })

  it('takes a key that is in a batch twice once, and answers 200 when all jobs were there', async () => {
    const jobs = ['a', 'a', 'b'].map((idempotency_key) => newJob({ idempotency_key }))
    const first = await world.post(jobPaths.batch, { jobs })
    const again = await world.post(jobPaths.batch, { jobs })

    expect(first).toMatchObject({
      status: 201,
      body: { jobs: [{ created: true }, { created: false }, { created: true }] },
    })
    expect(again).toMatchObject({ status: 200, body: { jobs: jobs.map(() => ({ created: false })) } })
    const [one, two] = Object(first.body).jobs
    expect(one.id).toBe(two.id)
    expect(await world.count()).toBe(2)
  })

  it('takes a payload of JOBS_MAX_JSON_BYTES bytes, and refuses one that is a byte larger', async () => {
    const payload = (bytes: number) => {
      const text = 'ü'.repeat(900)
      return { text: text + 'x'.repeat(bytes - Buffer.byteLength(JSON.stringify({ text }))) }
    }
    expect(await world.post(jobPaths.enqueue, newJob({ payload: payload(2000) }))).toMatchObject({ status: 201 })
    const before = await world.fingerprint()
    expect(await world.post(jobPaths.enqueue, newJob({ payload: payload(2001) }))).toMatchObject({
      status: 413,
      body: { code: 'too_large' },
    })
    expect(await world.fingerprint()).toBe(before)
  })

  it('lets a job wait until its time', async () => {
    const late = await worker.enqueue({ available_at: ago(-3600) })
    const due = await worker.enqueue({ available_at: ago(3600) })
    expect(await worker.lease({ limit: 10 })).toMatchObject([{ id: due.id }])
    expect((await world.rows()).find(({ id }) => id === late.id)).toMatchObject({ status: 'queued' })
  })

  it('takes null and blank for absent', async () => {
    const fields = { owner_user_id: null, idempotency_key: '', batch_group: ' ', available_at: null, depends_on: null }
    const jobs = [await worker.enqueue(fields), await worker.enqueue({ ...fields, project_id: null })]
    for (const job of jobs) expect(job).toMatchObject({ owner_user_id: null, idempotency_key: null, created: true })
  })
})

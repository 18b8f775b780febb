import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { enqueueWith } from '../../../sdk/client.ts'
import { deleteLeftClaims, firstClaim } from '../../../server/lifecycle/insert/claims.ts'
import { clearAll } from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import { jobPaths, newJob, workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

const unique = { idempotency_key: 'k', unique: 'while_queued' } as const

describe.each(kinds)('a key that ends on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind)
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  it('holds while its job is queued or processing, and is free in every other state', async () => {
    const first = await worker.enqueue(unique)
    expect(first).toMatchObject({ created: true, idempotency_key: null })
    expect(await worker.enqueue({ ...unique, payload: { other: 1 } })).toEqual({ ...first, created: false })
    const job = await worker.take()
    expect(await worker.enqueue(unique)).toMatchObject({ id: first.id, status: 'processing', created: false })
    await worker.fail(job, { backoff_seconds: 0 })
    expect(await worker.enqueue(unique)).toMatchObject({ id: first.id, status: 'queued', created: false })
    let last = first
    for (const status of ['completed', 'failed', 'cancelled', 'quarantined']) {
      // As a worker in plain SQL ends it.
      await world.sql`update jobs set status = ${status} where id = ${last.id}`
      const next = await worker.enqueue(unique)
      expect(next, status).toMatchObject({ created: true, status: 'queued' })
      last = next
    }
    expect(await world.count()).toBe(5)
  })

  it('is one job of many that come at once, each time that it is free', async () => {
    for (let round = 0; round < 5; round++) {
      const jobs = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          n % 4 === 0 ? worker.enqueueAll([{}, unique]).then(([, job]) => job) : worker.enqueue(unique),
        ),
      )
      expect(jobs.filter((job) => job?.created)).toHaveLength(1)
      expect(new Set(jobs.map((job) => job?.id)).size).toBe(1)
      await world.sql`update jobs set status = 'completed'`
    }
  })

  it('is of one domain, queue and job type, and does not know keys that stay', async () => {
    const first = await worker.enqueue(unique)
    const others = [{ domain: 'other' }, { queue: 'other' }, { job_type: 'other' }, { idempotency_key: 'K' }]
    for (const other of [...others, { unique: null }])
      expect(await worker.enqueue({ ...unique, ...other })).toMatchObject({ created: true })
    expect(await worker.enqueue({ ...unique })).toMatchObject({ id: first.id })
  })

  it('is the first job of a batch that has it twice, beside jobs with and without keys that stay', async () => {
    const stays = await worker.enqueue({ idempotency_key: 'stays' })
    const held = await worker.enqueue({ ...unique, idempotency_key: 'held' })
    const fields = [
      unique,
      { idempotency_key: 'stays' },
      unique,
      {},
      { ...unique, idempotency_key: 'held' },
      { idempotency_key: 'new' },
      { idempotency_key: 'new' },
    ]
    const jobs = await worker.enqueueAll(fields)
    expect(jobs.map(({ created }) => created)).toEqual([true, false, false, true, false, true, false])
    expect([jobs[1]?.id, jobs[4]?.id]).toEqual([stays.id, held.id])
    expect([jobs[2]?.id, jobs[6]?.id]).toEqual([jobs[0]?.id, jobs[5]?.id])
    const minimal = await world.post(jobPaths.batch, { jobs: fields.map(newJob) }, { prefer: 'return=minimal' })
    expect(minimal).toMatchObject({ status: 201, body: { created: 1, existing: [0, 1, 2, 4, 5, 6] } })
  })

  it('takes none of a batch that is refused, and no key of it', async () => {
    const before = await world.fingerprint()
    const jobs = [newJob(unique), newJob({ depends_on: ['nobody'] })]
    expect(await world.post(jobPaths.batch, { jobs })).toMatchObject({ status: 422 })
    expect(await world.fingerprint()).toBe(before)
    await world.post(jobPaths.control, { domain: 'chatbooks', queue: 'default', action: 'drain' })
    expect(await world.post(jobPaths.enqueue, newJob(unique))).toMatchObject({ status: 409 })
    expect([...(await world.sql`select from jobsctl_claims`)]).toHaveLength(0)
  })

  it.each([
    [{ unique: 'while_queued' }, 'unique'],
    [{ unique: 'while_queued', idempotency_key: ' ' }, 'unique'],
    [{ unique: 'for_ever', idempotency_key: 'k' }, 'unique'],
  ])('refuses %o', async (fields, path) => {
    expect(await world.post(jobPaths.enqueue, newJob(fields))).toMatchObject({
      status: 422,
      body: { errors: [{ path }] },
    })
    expect(await world.count()).toBe(0)
  })

  it('is held again by its job that is retried, unless another one has it: then the job runs without', async () => {
    const first = await worker.enqueue({ ...unique, max_retries: 0 })
    await worker.fail(await worker.take())
    const retry = () => world.confirm('/api/v1/jobs/batch/retry', { ids: [first.id] })
    expect(await retry()).toMatchObject({ status: 200 })
    expect(await worker.enqueue(unique)).toMatchObject({ id: first.id, created: false })
    await worker.fail(await worker.take())
    const second = await worker.enqueue(unique)
    expect(second.created).toBe(true)
    expect(await retry()).toMatchObject({ status: 200 })
    expect((await world.rows()).map(({ status }) => status)).toEqual(['queued', 'queued'])
    expect(await worker.enqueue(unique)).toMatchObject({ id: second.id, created: false })
  })

  it('stays with a job until that is deleted, and the walk of the background then deletes it', async () => {
    const first = await worker.enqueue(unique)
    await worker.enqueue({ ...unique, idempotency_key: 'other' })
    await world.sql`update jobs set status = 'completed' where id = ${first.id}`
    expect(await deleteLeftClaims(world.sql, firstClaim)).toEqual({ deleted: 0, next: undefined })
    await world.sql`delete from jobs where id = ${first.id}`
    expect(await deleteLeftClaims(world.sql, firstClaim)).toEqual({ deleted: 1, next: undefined })
    expect([...(await world.sql`select key from jobsctl_claims`)]).toEqual([{ key: 'other' }])
    expect(await worker.enqueue(unique)).toMatchObject({ created: true })
  })

  it('is the same over SQL', async () => {
    const place = { domain: 'chatbooks', job_type: 'export', payload: {} }
    const enqueue = enqueueWith(world.sql)
    const [first, again, plain] = await enqueue([
      { ...place, ...unique },
      { ...place, ...unique },
      { ...place, idempotency_key: 'k' },
    ])
    expect([first?.created, again?.created, plain?.created]).toEqual([true, false, true])
    expect(again?.id).toBe(first?.id)
    expect(await worker.enqueue(unique)).toMatchObject({ id: first?.id, created: false })
    await world.sql`update jobs set status = 'failed' where id = ${first?.id ?? 0}`
    const next = await worker.enqueue(unique)
    expect(next.created).toBe(true)
    expect(await enqueue({ ...place, ...unique })).toEqual({ id: next.id, uuid: next.uuid, created: false })
    await expect(enqueue({ ...place, unique: 'while_queued' })).rejects.toThrow('goes with idempotency_key')
    await expect(enqueue({ ...place, ...unique, idempotency_key: 'x'.repeat(257) })).rejects.toThrow(
      '1 to 256 characters',
    )
    await expect(enqueue({ ...place, ...unique, idempotency_key: 'n', domain: 'd'.repeat(9000) })).rejects.toThrow(
      'domain must have 1 to 128 characters',
    )
  })
})

it('enqueues of jobsctl say who has the key', async () => {
  const world = await openWorld('postgres')
  try {
    const argv = [
      'enqueue',
      'chatbooks/default',
      '--job-type',
      'export',
      '--idempotency-key',
      'k',
      '--unique',
      'while_queued',
    ]
    expect(await world.jobsctl(argv)).toMatchObject({ code: 0, out: expect.stringContaining('Enqueued job 1') })
    expect(await world.jobsctl(argv)).toMatchObject({
      ...{ code: 0, out: expect.stringContaining('Job 1 already has this key and is queued; nothing was enqueued.') },
    })
    const line = JSON.stringify(newJob({ ...unique, job_type: 'export' }))
    expect(await world.jobsctl(['enqueue', '--from', '-'], { stdin: `${line}\n${line}\n` })).toMatchObject({
      ...{ code: 0, out: expect.stringContaining('Enqueued 0 jobs; 2 existed already.') },
    })
    expect(await world.jobsctl([...argv.slice(0, 4), '--unique', 'while_queued'])).toMatchObject({
      ...{ code: 2, err: expect.stringContaining('--unique: goes with an idempotency key') },
    })
  } finally {
    await world.stop()
  }
})

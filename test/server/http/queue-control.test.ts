import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { stoppedQueues } from '../../../shared/endpoints.ts'
import { kinds } from '../../support/database/database.ts'
import { justNow } from '../../support/differences.ts'
import { jobPaths, newJob, workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

const queue = { domain: 'chatbooks', queue: 'default' }

describe.each(kinds)('queue control on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind)
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const control = (action: string, more: object = {}) => world.post(jobPaths.control, { ...queue, action, ...more })
  const state = async () => (await world.call('GET', `${jobPaths.status}?domain=chatbooks&queue=default`)).body
  const stopped = async () => (await world.call('GET', jobPaths.queues)).body

  it('says of a queue that nobody has stopped that it runs', async () => {
    expect(await state()).toEqual({ paused: false, drain: false })
    expect(await stopped()).toEqual([])
  })

  it.each([
    ['pause', { paused: true, drain: false }, 'queue.paused'],
    ['drain', { paused: true, drain: true }, 'queue.drained'],
  ])(
    '%s stops new leases at once, lets what runs go on, and is recorded with who and why',
    async (action, after, event_type) => {
      await world.jobs(3, { status: 'queued' })
      const job = await worker.take()

      expect(await control(action, { reason: 'Wartung' })).toMatchObject({ status: 200, body: after })

      expect(await state()).toEqual(after)
      expect(await worker.lease({ limit: 10 })).toEqual([])
      await worker.renew(job)
      expect(await worker.complete(job)).toMatchObject({ status: 'completed' })
      expect(await stopped()).toEqual([{ ...queue, ...after, updated_at: justNow, reason: 'Wartung' }])
      expect(await world.events()).toMatchObject([
        { event_type, ...queue, attrs_json: { reason: 'Wartung', caller: 'single-user' } },
      ])

      expect((await control('resume')).body).toEqual({
        ...{ paused: false, drain: false, known: true },
        before: { ...after, updated_at: justNow, reason: 'Wartung' },
      })
      expect(await stopped()).toEqual([])
      expect(await worker.lease({ limit: 10 })).toHaveLength(2)
    },
  )

  it('takes new jobs in where it is paused, and none where it drains: not even one of a batch', async () => {
    await control('pause')
    await worker.enqueue()
    await control('drain')
    const before = await world.fingerprint()
    const draining = { status: 409, body: { code: 'queue_draining' } }
    expect(await world.post(jobPaths.enqueue, newJob())).toMatchObject(draining)
    expect(await world.post(jobPaths.batch, { jobs: [newJob({ queue: 'other' }), newJob()] })).toMatchObject(draining)
    expect(await world.fingerprint()).toBe(before)
    await worker.enqueue({ queue: 'other' })
    await control('resume')
    await worker.enqueue()
  })

  it('leaves other queues and the same queue of other domains alone', async () => {
    for (const other of [{ queue: 'low' }, { domain: 'other' }]) await worker.enqueue(other)
    await control('drain')
    expect(await worker.lease({ queue: 'low' })).toHaveLength(1)
    expect(await worker.lease({ domain: 'other' })).toHaveLength(1)
  })

  it('goes by what another program wrote, gives no reason for it, and lists by domain and queue', async () => {
    await control('pause', { reason: 'ours' })
    await world.sql`
      insert into job_queue_controls (domain, queue, paused, drain) values
        ('b', 'q', true, false), ('a', 'z', false, true), ('a', 'B', true, true), ('c', 'q', false, false), ('d', 'q', null, null)`
    await world.sql`
      update job_queue_controls set drain = true, updated_at = clock_timestamp() + interval '1 millisecond'
      where domain = 'chatbooks'`
    expect(await stopped()).toMatchObject([
      { domain: 'a', queue: 'B', paused: true, drain: true, reason: null },
      { domain: 'a', queue: 'z', paused: false, drain: true },
      { domain: 'b', queue: 'q', paused: true, drain: false },
      { ...queue, paused: true, drain: true, reason: null },
    ])
    await world.jobs(1, { status: 'queued', domain: 'a', queue: 'z' })
    expect(await worker.lease({ domain: 'a', queue: 'z' })).toEqual([])
    expect((await world.post(jobPaths.enqueue, newJob({ domain: 'a', queue: 'z' }))).status).toBe(409)
  })

  it('writes nothing when nothing changes, and takes the reason from X-Reason, too', async () => {
    const headers = { 'x-reason': Buffer.from('nächtlich').toString('latin1') }
    for (const _ of [1, 2]) await world.post(jobPaths.control, { ...queue, action: 'pause' }, headers)
    expect(await stopped()).toMatchObject([{ reason: 'nächtlich' }])
    expect(await world.events()).toHaveLength(1)
  })

  it('keeps the reason and the time of a stop until a request has a reason of its own', async () => {
    await control('pause', { reason: 'first' })
    const [first] = stoppedQueues.output.parse(await stopped())
    const header = { 'x-reason': 'by somebody' }
    const drained = await world.post(jobPaths.control, { ...queue, action: 'drain' }, header)
    expect(drained.body).toMatchObject({ drain: true, before: { paused: true, drain: false, reason: 'first' } })
    expect(await stopped()).toEqual([{ ...first, drain: true }])
    await control('pause')
    expect(await stopped()).toEqual([first])

    expect((await control('pause', { reason: 'second' })).body).toMatchObject({ before: { reason: 'first' } })
    const [second] = stoppedQueues.output.parse(await stopped())
    expect(second).toMatchObject({ paused: true, drain: false, reason: 'second' })
    expect(second?.updated_at).not.toBe(first?.updated_at)
    expect((await world.events()).map(({ event_type }) => event_type)).toEqual([
      ...['queue.paused', 'queue.drained', 'queue.paused', 'queue.paused'],
    ])
    await control('resume')
    await control('pause')
    expect(await stopped()).toMatchObject([{ reason: null }])
  })

  it('says that a queue is unknown, and leaves it alone with must_exist', async () => {
    expect(await control('pause', { must_exist: true })).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect(await stopped()).toEqual([])
    expect(await world.events()).toEqual([])
    expect((await control('pause')).body).toMatchObject({
      ...{ paused: true, known: false },
      before: { paused: false, drain: false, updated_at: null, reason: null },
    })
    expect((await control('resume', { must_exist: true })).body).toMatchObject({ paused: false, known: true })
    await worker.enqueue({ queue: 'other' })
    const other = { ...queue, queue: 'other', action: 'pause', must_exist: true }
    expect((await world.post(jobPaths.control, other)).body).toMatchObject({ paused: true, known: true })
  })
})

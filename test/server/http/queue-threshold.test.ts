import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { explainJob, listOperations } from '../../../shared/endpoints.ts'
import { kinds } from '../../support/database/database.ts'
import { justNow } from '../../support/differences.ts'
import { jobPaths, workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

const queue = { domain: 'chatbooks', queue: 'default' }
const running = { paused: false, drain: false }

describe.each(kinds)('the threshold of a queue on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind)
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const control = (fields: object) => world.post(jobPaths.control, { ...queue, ...fields })
  const set = (quarantine_threshold: unknown, more: object = {}) =>
    control({ action: 'set', quarantine_threshold, ...more })
  const status = async () => (await world.call('GET', `${jobPaths.status}?domain=chatbooks&queue=default`)).body
  const listed = async () => (await world.call('GET', `${jobPaths.queues}?thresholds=true`)).body
  const failOnce = async () => (await worker.fail(await worker.take(), { error_code: 'c', backoff_seconds: 0 })).status

  it('is set, shown and taken back, each time with an event and an act on record that say who, why and what was before', async () => {
    const set5 = await set(5, { reason: 'the mailer is away' })
    expect(set5).toMatchObject({
      status: 200,
      body: {
        ...{ ...running, quarantine_threshold: 5, known: false },
        before: { ...running, quarantine_threshold: null, updated_at: null, reason: null },
      },
    })
    expect(await status()).toEqual({ ...running, quarantine_threshold: 5 })
    expect(await listed()).toMatchObject([{ ...queue, ...running, quarantine_threshold: 5, updated_at: null }])
    expect((await world.call('GET', jobPaths.queues)).body).toEqual([])
    expect((await set(0)).body).toMatchObject({ known: true, before: { quarantine_threshold: 5 } })
    expect((await set(null)).body).toMatchObject({ quarantine_threshold: null, before: { quarantine_threshold: 0 } })
    expect(await status()).toEqual(running)
    expect(await listed()).toEqual([])

    expect(await world.events()).toMatchObject([
      {
        ...{ event_type: 'queue.threshold_set', ...queue },
        attrs_json: { caller: 'single-user', reason: 'the mailer is away', quarantine_threshold: 5, before: null },
      },
      { attrs_json: { quarantine_threshold: 0, before: 5 } },
      { attrs_json: { quarantine_threshold: null, before: 0 } },
    ])
    const { body } = await world.call('GET', '/api/v1/jobs/operations?kind=acts')
    expect(listOperations.output.parse(body).at(-1)).toMatchObject({
      ...{ kind: 'queue.threshold_set', domain: 'chatbooks', queue: 'default', reason: 'the mailer is away' },
      filters: { after: { quarantine_threshold: 5 }, before: { quarantine_threshold: null } },
    })
    expect((await world.call('GET', '/api/v1/jobs/operations/verify')).body).toMatchObject({ ok: true, operations: 3 })
  })

  it('leaves a stop as it is, and a stop leaves the threshold', async () => {
    await control({ action: 'pause', reason: 'disk full' })
    expect((await set(7)).body).toMatchObject({
      ...{ paused: true, drain: false, known: true },
      before: { paused: true, reason: 'disk full', updated_at: justNow },
    })
    await control({ action: 'drain' })
    expect(await listed()).toMatchObject([
      { ...queue, paused: true, drain: true, reason: 'disk full', quarantine_threshold: 7 },
    ])
    await control({ action: 'resume' })
    expect(await status()).toEqual({ ...running, quarantine_threshold: 7 })
  })

  it('writes nothing where nothing changes, nor with must_exist for a queue that is not known', async () => {
    expect(await set(4, { must_exist: true })).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect(await listed()).toEqual([])
    await set(4)
    await set(4)
    expect(await world.events()).toHaveLength(1)
    expect((await set(6, { must_exist: true })).status).toBe(200)
  })

  it.each([
    [{ action: 'set' }, 'is required with set; null is the threshold of the server'],
    [{ action: 'set', quarantine_threshold: 101 }, 'must be at most 100'],
    [{ action: 'set', quarantine_threshold: -1 }, 'must be at least 0'],
    [{ action: 'set', quarantine_threshold: 1.5 }, 'must be a whole number'],
    [{ action: 'pause', quarantine_threshold: 3 }, 'goes with the action set alone'],
  ])('refuses %s, and changes nothing', async (fields, message) => {
    expect(await control(fields)).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'quarantine_threshold', message }] },
    })
    expect(await world.events()).toEqual([])
  })

  it('is what the next failure of a job goes by, and what explain names', async () => {
    const { id } = await worker.enqueue({ max_retries: 20 })
    const sentence = async () =>
      explainJob.output.parse((await world.call('GET', `/api/v1/jobs/${id}/explain`)).body).reasons[0]?.sentence
    await set(0)
    for (let nth = 0; nth < 4; nth++) expect(await failOnce()).toBe('queued')
    await set(5)
    expect(await failOnce()).toBe('quarantined')
    expect(await sentence()).toMatch(/, 5 times in a row \(the threshold of its queue is 5\)$/)
    await set(0)
    expect(await sentence()).toMatch(/\(the threshold of its queue is off now\)$/)
    await set(null)
    expect(await sentence()).toMatch(/\(the threshold of the server is 3\)$/)
    await world.sql`update jobs set quarantine_threshold = 9`
    expect(await sentence()).toMatch(/\(its own threshold is 9\)$/)
  })
})

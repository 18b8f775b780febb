import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { tokenAsOf, tokenOf } from '../../support/database/resigned.ts'
import { differences, each, justNow } from '../../support/differences.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const freed = { leased_until: null, lease_id: null, worker_id: null }

describe.each(kinds)('the integrity sweep on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  /** As the examples call it: without X-Confirm. */
  async function fix(body: object = {}) {
    const before = await world.rows()
    const { status, body: answer } = await world.post(paths.integrity, { fix: true, ...body })
    return { status, answer, changed: differences(before, await world.rows()) }
  }

  const found = (non_processing_with_lease: number, processing_expired: number, fixed = 0) => ({
    ...{ non_processing_with_lease, processing_expired, fixed },
  })

  it('finds nothing wrong with jobs as workers leave them: finished ones keep who ran them', async () => {
    for (const status of ['queued', 'processing', 'completed', 'failed', 'cancelled', 'quarantined']) {
      await world.jobs(1, { status })
    }
    await world.jobs(1, { status: 'cancelled', lease_id: 'lease-1', worker_id: 'worker-1' })
    await world.jobs(1, { status: 'quarantined', lease_id: 'lease-1', worker_id: 'worker-1' })

    expect((await world.post(paths.integrity, {})).body).toMatchObject(found(0, 0))
    expect(await fix()).toEqual({ status: 200, answer: expect.objectContaining(found(0, 0)), changed: {} })
    expect(await world.events()).toEqual([])
  })

  it.each([
    ['completed', { leased_until: ago(-60) }],
    ['failed', { leased_until: ago(60) }],
    ['cancelled', { leased_until: ago(60), lease_id: 'lease-1' }],
    ['quarantined', { leased_until: ago(60) }],
    ['queued', { leased_until: ago(60) }],
    ['queued', { lease_id: 'lease-1' }],
    ['queued', { worker_id: 'worker-1' }],
  ])('frees a %s job that is leased all the same: %j', async (status, columns) => {
    const [id = 0] = await world.jobs(1, { status, ...columns })
    expect((await world.post(paths.integrity, { fix: false })).body).toMatchObject(found(1, 0))

    const { answer, changed } = await fix()

    expect(answer).toMatchObject(found(1, 0, 1))
    expect((await world.rows())[0]).toMatchObject({ id, status, ...freed })
    expect(Object.keys(changed[id] ?? {}).sort()).toEqual(
      Object.keys(freed)
        .filter((name) => name in columns || status in { completed: 1, failed: 1 })
        .sort(),
    )
  })

  it('takes the filter of the list: counts, a preview bound to it, and the record have it', async () => {
    const broken = { status: 'queued', leased_until: ago(60) }
    const [one = 0, two = 0] = await world.jobs(2, { ...broken, worker_id: 'w', owner_user_id: 'o' })
    await world.jobs(1, broken)
    await world.jobs(1, { status: 'processing', leased_until: ago(60), worker_id: 'w' })
    for (const [filter, expected] of [
      [{ status: 'processing' }, found(0, 1)],
      [{ status: ['queued', 'failed'] }, found(3, 0)],
      [{ stale: true }, found(0, 1)],
      [{ worker_id: 'w' }, found(2, 1)],
      [{ ids: [one] }, found(1, 0)],
      [{ owner_user_id: 'o' }, found(2, 0)],
    ] as const)
      expect((await world.post(paths.integrity, filter)).body).toMatchObject(expected)
    const preview_token = tokenOf(await world.post(paths.integrity, { owner_user_id: 'o' }))
    expect((await fix({ preview_token })).status).toBe(409)
    const { answer, changed } = await fix({ owner_user_id: 'o', preview_token })
    expect(answer).toMatchObject(found(2, 0, 2))
    expect(Object.keys(changed)).toEqual([String(one), String(two)])
    const [record] = await world.sql`select filters from job_operations`
    expect(record?.filters).toMatchObject({ owner_user_id: 'o' })
    for (const filter of [{ owner_user_id: ' ' }, { ids: null }, { owner: 'o' }, { status: 'broken' }])
      expect((await fix(filter)).status).toBe(422)
    expect((await fix({ cluster: 'v7-000000000000' })).status).toBe(409)
  })

  it.each([
    ['has run out', ago(5)],
    ['never was', null],
  ])('takes back a job whose lease %s, as one failed attempt', async (_what, leased_until) => {
    const ids = await world.jobs(1, { status: 'processing', leased_until, retry_count: 1 })
    await world.jobs(1, { status: 'processing' })
    expect((await world.post(paths.integrity, {})).body).toMatchObject(found(0, 1))

    const { answer, changed } = await fix()

    expect(answer).toMatchObject(found(0, 1, 1))
    const { leased_until: _, ...rest } = freed
    expect(changed).toEqual(
      each(ids, {
        ...(leased_until === null ? rest : freed),
        status: 'queued',
        available_at: justNow,
        retry_count: 2,
        failure_streak_code: 'lease_expired',
        failure_streak_count: 1,
        error_code: 'lease_expired',
        last_error: 'lease_expired',
        failure_timeline: [{ ts: justNow, error_code: 'lease_expired', retry_backoff: 0 }],
      }),
    )
    expect(await world.steps()).toMatchObject([
      { job_id: ids[0], event_type: 'job.lease_expired', attrs_json: { worker_id: 'worker-1', retry_count: 2 } },
    ])
  })

  it('quarantines a job that lost its lease three times in a row', async () => {
    const [id = 0] = await world.jobs(1, { status: 'processing', leased_until: ago(5), max_retries: 9 })
    const lease = () => world.sql`
      update jobs set status = 'processing', leased_until = now() - interval '1 second', lease_id = 'again'`

    for (const streak of [1, 2]) {
      await fix()
      expect((await world.rows())[0]).toMatchObject({
        status: 'queued',
        failure_streak_count: streak,
        retry_count: streak,
      })
      await lease()
    }
    const { changed } = await fix()

    expect(changed[id]).toMatchObject({ status: 'quarantined', quarantined_at: justNow, failure_streak_count: 3 })
    expect((await world.rows())[0]).toMatchObject({
      ...freed,
      failure_streak_code: 'lease_expired',
      completed_at: null,
    })
  })

  it('starts the streak anew after another kind of failure', async () => {
    await world.jobs(1, {
      status: 'processing',
      leased_until: ago(5),
      failure_streak_code: 'timeout',
      failure_streak_count: 2,
    })
    await fix()
    expect((await world.rows())[0]).toMatchObject({
      status: 'queued',
      failure_streak_code: 'lease_expired',
      failure_streak_count: 1,
    })
  })

  it('fails a job that is out of retries', async () => {
    const [id = 0] = await world.jobs(1, { status: 'processing', leased_until: ago(5), retry_count: 3, max_retries: 3 })
    const { changed } = await fix()

    expect(changed[id]).toMatchObject({ status: 'failed', completed_at: justNow, error_message: 'lease_expired' })
    expect((await world.rows())[0]).toMatchObject({ leased_until: null, retry_count: 3, quarantined_at: null })
    expect(await world.steps()).toMatchObject([{ job_id: id, event_type: 'job.failed' }])
  })

  it('leaves a lease alone that ends at the reference time, and takes one that ended before it', async () => {
    const asOf = ago(60)
    await world.jobs(1, { status: 'processing', leased_until: asOf })
    const [past = 0] = await world.jobs(1, { status: 'processing', leased_until: ago(0.001, Date.parse(asOf)) })
    const preview_token = await tokenAsOf(world, paths.integrity, {}, { as_of: asOf, count: 9 })

    const { answer, changed } = await fix({ preview_token })

    expect(answer).toMatchObject({ ...found(0, 1, 1), skipped: 8 })
    expect(Object.keys(changed)).toEqual([String(past)])
  })

  it('leaves what is healthy by then: a lease renewed after the preview', async () => {
    await world.jobs(1, { status: 'processing', leased_until: ago(60) })
    const preview = await world.post(paths.integrity, {})
    expect(preview.body).toMatchObject(found(0, 1))
    await world.sql`update jobs set leased_until = now() + interval '1 minute'`

    expect(await fix({ preview_token: tokenOf(preview) })).toEqual({
      status: 200,
      answer: expect.objectContaining({ ...found(0, 0), skipped: 1 }),
      changed: {},
    })
  })

  it('counts both kinds within the scope, and fixes those alone', async () => {
    await world.jobs(2, { status: 'queued', worker_id: 'worker-1' })
    await world.jobs(3, { status: 'processing', leased_until: null })
    await world.jobs(4, { status: 'queued', worker_id: 'worker-1', queue: 'low' })
    await world.jobs(5, { status: 'processing', leased_until: null, domain: 'other' })
    const scope = { domain: 'chatbooks', queue: 'default' }

    expect((await world.post(paths.integrity, scope)).body).toMatchObject(found(2, 3))
    expect((await fix(scope)).answer).toMatchObject(found(2, 3, 5))
    expect((await world.post(paths.integrity, {})).body).toMatchObject(found(4, 5))
  })
})

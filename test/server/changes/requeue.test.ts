import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { differences, each, justNow } from '../../support/differences.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const alias = '/api/v1/jobs/batch/requeue-quarantined'

describe.each(kinds)('requeue of quarantined jobs on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  async function requeue(body: object, path = paths.requeue) {
    const before = await world.rows()
    const { status, body: answer } = await world.confirm(path, body)
    return { status, answer, changed: differences(before, await world.rows()) }
  }

  it('puts a job back as if it had never been tried, due at once, and touches no other row or column', async () => {
    const ids = await world.jobs(2, {
      status: 'quarantined',
      retry_count: 2,
      available_at: ago(-9 * 86_400),
      leased_until: ago(60),
      lease_id: 'lease-9',
      worker_id: 'worker-9',
      completed_at: ago(60),
      completion_token: 'lease-9',
      error_message: 'timeout',
    })
    for (const status of ['queued', 'processing', 'completed', 'failed', 'cancelled']) await world.jobs(1, { status })
    await world.jobs(1, { status: 'quarantined', domain: 'other' })

    expect(await requeue({ domain: 'chatbooks' })).toEqual({
      status: 200,
      answer: expect.objectContaining({ affected: 2 }),
      changed: each(ids, {
        status: 'queued',
        available_at: justNow,
        retry_count: 0,
        failure_streak_code: null,
        failure_streak_count: 0,
        quarantined_at: null,
        leased_until: null,
        lease_id: null,
        worker_id: null,
        completed_at: null,
        completion_token: null,
      }),
    })
  })

  it('clears an old wish to cancel, which would keep the job from running', async () => {
    const ids = await world.jobs(1, { status: 'quarantined', cancel_requested_at: ago(60), cancelled_at: ago(50) })
    const { changed } = await requeue({ domain: 'chatbooks' })
    expect(changed[ids[0] ?? 0]).toMatchObject({ status: 'queued', cancel_requested_at: null, cancelled_at: null })
  })

  it('makes the jobs count as queued at once', async () => {
    await world.jobs(3, { status: 'quarantined' })
    await requeue({ domain: 'chatbooks' })
    expect((await world.call('GET', paths.stats)).body).toMatchObject([{ queued: 3, scheduled: 0, quarantined: 0 }])
  })

  it('narrows to a queue, a job type and one job', async () => {
    const [one = 0] = await world.jobs(1, { status: 'quarantined' })
    await world.jobs(1, { status: 'quarantined', queue: 'low' })
    await world.jobs(1, { status: 'quarantined', job_type: 'import' })
    const domain = 'chatbooks'

    expect((await requeue({ domain, queue: 'low' })).answer).toMatchObject({ affected: 1 })
    expect((await requeue({ domain, job_type: 'import' })).answer).toMatchObject({ affected: 1 })
    expect((await requeue({ domain, job_id: one + 1000 })).answer).toMatchObject({ affected: 0 })
    expect((await requeue({ domain: 'other', job_id: one })).answer).toMatchObject({ affected: 0 })
    expect((await requeue({ domain, job_id: one })).answer).toMatchObject({ affected: 1 })
  })

  it('takes job ids of 64 bit', async () => {
    const id = Number.MAX_SAFE_INTEGER
    await world.jobs(1, { status: 'quarantined', id })
    expect((await requeue({ domain: 'chatbooks', job_id: id })).answer).toMatchObject({ affected: 1 })
  })

  it('needs a domain', async () => {
    await world.jobs(1, { status: 'quarantined' })
    for (const body of [{}, { domain: '' }, { domain: ' ' }, { domain: null }, { queue: 'default' }]) {
      const { status, answer, changed } = await requeue(body)
      expect({ status, changed }).toEqual({ status: 422, changed: {} })
      expect(answer).toMatchObject({ errors: [{ path: 'domain' }] })
    }
  })

  it('answers at both spellings of the path', async () => {
    await world.jobs(2, { status: 'quarantined' })
    const body = { domain: 'chatbooks' }

    expect(await world.post(alias, { ...body, dry_run: true })).toMatchObject({ status: 200, body: { affected: 2 } })
    expect(await world.post(alias, body)).toMatchObject({ status: 400, body: { code: 'confirmation_required' } })
    expect((await requeue(body, alias)).answer).toMatchObject({ affected: 2 })
  })
})

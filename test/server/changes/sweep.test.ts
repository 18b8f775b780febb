import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { tokenAsOf } from '../../support/database/resigned.ts'
import { differences, each, justNow } from '../../support/differences.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

describe.each(kinds)('the TTL sweep on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  /** Runs a sweep, and tells its answer and what it did to the rows. */
  async function sweep(body: object) {
    const before = await world.rows()
    const { status, body: answer } = await world.confirm(paths.sweep, body)
    return { status, answer, changed: differences(before, await world.rows()) }
  }

  const finished = ['completed', 'failed', 'cancelled', 'quarantined']
  const bystanders = async () => {
    for (const status of finished) await world.jobs(1, { status })
    await world.jobs(1, { status: 'queued', days: 0 })
    await world.jobs(1, { status: 'processing', days: 0 })
  }

  it('cancels what is past its limits, and touches no other row or column', async () => {
    await bystanders()
    const queued = await world.jobs(2, { status: 'queued', days: 2 })
    const running = await world.jobs(2, { status: 'processing', days: 2, progress_percent: 12.5 })

    expect(await sweep({ age_seconds: 86_400, runtime_seconds: 7200 })).toEqual({
      status: 200,
      answer: expect.objectContaining({ affected: 4 }),
      changed: {
        ...each(queued, { status: 'cancelled', cancelled_at: justNow, cancellation_reason: 'ttl_age' }),
        ...each(running, {
          status: 'cancelled',
          cancelled_at: justNow,
          cancellation_reason: 'ttl_runtime',
          leased_until: null,
        }),
      },
    })
  })

  it('fails jobs past their limits with action fail', async () => {
    await bystanders()
    const queued = await world.jobs(1, { status: 'queued', days: 2 })
    const running = await world.jobs(1, { status: 'processing', days: 2 })

    expect(await sweep({ age_seconds: 86_400, runtime_seconds: 7200, action: 'fail' })).toEqual({
      status: 200,
      answer: expect.objectContaining({ affected: 2 }),
      changed: {
        ...each(queued, { status: 'failed', completed_at: justNow, error_message: 'ttl_age' }),
        ...each(running, {
          status: 'failed',
          completed_at: justNow,
          error_message: 'ttl_runtime',
          leased_until: null,
        }),
      },
    })
  })

  it('ends queued jobs alone when only the age is given, and running ones when only the run time is', async () => {
    const queued = await world.jobs(1, { status: 'queued', days: 2 })
    const running = await world.jobs(1, { status: 'processing', days: 2 })
    const ids = (changed: object) => Object.keys(changed).map(Number)

    expect(ids((await sweep({ age_seconds: 60 })).changed)).toEqual(queued)
    expect(ids((await sweep({ runtime_seconds: 60 })).changed)).toEqual(running)
  })

  it('counts in a dry run exactly what it then ends', async () => {
    await bystanders()
    await world.jobs(3, { status: 'queued', days: 2 })
    await world.jobs(2, { status: 'processing', days: 2 })
    await world.jobs(5, { status: 'queued', days: 2, queue: 'low' })
    const body = { age_seconds: 60, runtime_seconds: 60, queue: 'default' }

    expect(await world.post(paths.sweep, { ...body, dry_run: true })).toMatchObject({ body: { affected: 5 } })
    expect((await sweep(body)).answer).toMatchObject({ affected: 5 })
  })

  it('ends a job at exactly the limit, and leaves one that is a second younger', async () => {
    const asOf = ago(60)
    const at = (seconds: number) => ago(seconds, Date.parse(asOf))
    const aged = await world.jobs(1, { status: 'queued', created_at: at(3600) })
    await world.jobs(1, { status: 'queued', created_at: at(3599) })
    const long = await world.jobs(1, { status: 'processing', started_at: at(600), acquired_at: null })
    await world.jobs(1, { status: 'processing', started_at: at(599), acquired_at: null })
    const body = { age_seconds: 3600, runtime_seconds: 600 }
    const preview_token = await tokenAsOf(world, paths.sweep, { ...body, dry_run: true }, { as_of: asOf, count: 4 })

    const { answer, changed } = await sweep({ ...body, preview_token })

    expect(answer).toMatchObject({ affected: 2 })
    expect(Object.keys(changed).map(Number)).toEqual([...aged, ...long])
  })

  it.each([
    ['was picked up again since', { started_at: ago(7200), acquired_at: ago(60) }, 0],
    ['was picked up again, and that is past the limit too', { started_at: ago(9000), acquired_at: ago(7200) }, 1],
    ['has only the time of its pick-up', { started_at: null, acquired_at: ago(7200) }, 1],
    ['has only the time of its start', { started_at: ago(7200), acquired_at: null }, 1],
    ['has neither time', { started_at: null, acquired_at: null }, 0],
  ])('times a running job from its last pick-up: one that %s', async (_what, times, affected) => {
    await world.jobs(1, { status: 'processing', ...times })
    expect((await sweep({ runtime_seconds: 3600 })).answer).toMatchObject({ affected })
  })

  it('goes by the age of a queued job whether or not it is due', async () => {
    await world.jobs(1, { status: 'queued', days: 2, available_at: ago(-3600) })
    expect((await sweep({ age_seconds: 60 })).answer).toMatchObject({ affected: 1 })
  })

  it('needs at least one limit, each at least one second', async () => {
    await world.jobs(1, { status: 'queued' })
    const bad = [{}, { age_seconds: null }, { age_seconds: 0 }, { runtime_seconds: -1 }, { age_seconds: 1.5 }]
    for (const body of [...bad, { age_seconds: '60' }, { age_seconds: 60, action: 'delete' }]) {
      expect(await sweep(body)).toEqual({ status: 422, answer: expect.anything(), changed: {} })
    }
  })

  it('takes limits beyond all of history', async () => {
    await world.jobs(1, { status: 'queued' })
    const body = { age_seconds: Number.MAX_SAFE_INTEGER, runtime_seconds: Number.MAX_SAFE_INTEGER }
    expect(await sweep(body)).toEqual({ status: 200, answer: expect.objectContaining({ affected: 0 }), changed: {} })
  })
})

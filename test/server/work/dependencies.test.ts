import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { EnqueuedJob } from '../../../shared/work/enqueue.ts'
import { holding, otherProgram } from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import { justNow } from '../../support/differences.ts'
import { until } from '../../support/poll.ts'
import { jobPaths, newJob, workerOf } from '../../support/worker.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

describe.each(kinds)('dependencies on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind)
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  /** A job, one that needs it, one that needs that in another queue, and a bystander. */
  async function chain(): Promise<[EnqueuedJob, EnqueuedJob, EnqueuedJob]> {
    const first = await worker.enqueue()
    const second = await worker.enqueue({ depends_on: [first.uuid] })
    const third = await worker.enqueue({ depends_on: [second.uuid], queue: 'other' })
    await worker.enqueue({ queue: 'aside' })
    return [first, second, third]
  }
  const statuses = async () => (await world.rows()).map(({ status, cancellation_reason: why }) => why ?? status)

  it('makes a job wait until all that it needs are completed', async () => {
    const [a, b] = await worker.enqueueAll([{ queue: 'a' }, { queue: 'b' }])
    const job = await worker.enqueue({ depends_on: [a?.uuid, b?.uuid], priority: 1 })
    const free = await worker.enqueue({ priority: 10 })

    expect(await worker.lease({ limit: 10 })).toMatchObject([{ id: free.id }])
    await worker.complete(await worker.take({ queue: 'a' }))
    expect(await worker.lease()).toEqual([])
    const second = await worker.take({ queue: 'b' })
    expect(await worker.lease()).toEqual([])
    await worker.fail(second, { backoff_seconds: 0 })
    expect(await worker.lease()).toEqual([])
    await worker.complete(await worker.take({ queue: 'b' }))
    expect(await worker.take()).toMatchObject({ id: job.id })
  })

  it.each([
    ['failed', { retryable: false }],
    ['quarantined', { error_code: 'c' }],
  ])('cancels what depends on a job that is %s, and so on down, in the same step', async (status, failure) => {
    const [first] = await chain()
    await world.sql`update jobs set failure_streak_code = 'c', failure_streak_count = 2 where id = ${first.id}`
    await worker.fail(await worker.take(), failure)

    expect(await statuses()).toEqual([status, `dependency_${status}`, 'dependency_cancelled', 'queued'])
    expect((await world.rows())[2]).toMatchObject({ status: 'cancelled', cancelled_at: justNow, completed_at: null })
    const steps = (await world.steps()).slice(-3).sort((a, b) => a.job_id - b.job_id)
    expect(steps.map(({ event_type, attrs_json }) => [event_type, attrs_json.reason])).toEqual([
      [`job.${status}`, undefined],
      ['job.cancelled', `dependency_${status}`],
      ['job.cancelled', 'dependency_cancelled'],
    ])
  })

  it.each(['cancel', 'force', 'sweep', 'prune'])('cancels them just so after the end by %s', async (how) => {
    const [first] = await chain()
    if (how === 'force') await worker.take()
    if (how === 'cancel' || how === 'force') await worker.cancel(first.id, { force: how === 'force' })
    if (how === 'sweep') {
      await world.sql`update jobs set created_at = now() - interval '1 day' where id = ${first.id}`
      await world.confirm(paths.sweep, { age_seconds: 3600 })
    }
    if (how === 'prune') {
      await world.sql`update jobs set status = 'failed', completed_at = now() - interval '90 days' where id = ${first.id}`
      expect((await world.confirm(paths.prune, {})).body).toMatchObject({ deleted: 1 })
    }
    const [reason] = how === 'prune' ? ['dependency_failed'] : ['dependency_cancelled']
    expect((await statuses()).slice(-3)).toEqual([reason, 'dependency_cancelled', 'queued'])
  })

  it('cancels them after the end of a worker that is gone, too', async () => {
    await chain()
    await worker.take()
    await world.sql`update jobs set leased_until = now() - interval '1 second', retry_count = 3 where status = 'processing'`
    expect(await worker.lease()).toEqual([])
    expect(await statuses()).toEqual(['failed', 'dependency_failed', 'dependency_cancelled', 'queued'])
  })

  it('cancels what waits for a job that another program ended badly, when a worker asks', async () => {
    const [first] = await chain()
    await world.sql`update jobs set status = 'failed', completed_at = now() where id = ${first.id}`
    expect(await worker.lease()).toEqual([])
    expect(await statuses()).toEqual(['failed', 'dependency_failed', 'dependency_cancelled', 'queued'])
  })

  it('takes in a job whose dependency has ended badly as cancelled, and one whose dependency is completed as ready', async () => {
    const [failed] = await world.jobs(1, { status: 'failed', uuid: 'is-failed' })
    await world.jobs(1, { status: 'completed', uuid: 'is-completed' })
    expect(failed).toBeGreaterThan(0)
    expect(await worker.enqueue({ depends_on: ['is-completed', 'is-failed'] })).toMatchObject({
      ...{ status: 'cancelled', cancellation_reason: 'dependency_failed', created: true },
    })
    expect((await world.steps()).map(({ event_type }) => event_type)).toEqual(['job.created', 'job.cancelled'])
    const ready = await worker.enqueue({ depends_on: ['is-completed'] })
    expect(await worker.lease({ limit: 5 })).toMatchObject([{ id: ready.id }])
  })

  it('refuses an unknown dependency, and a circle, and names them', async () => {
    const known = await worker.enqueue({ idempotency_key: 'k' })
    const next = await worker.enqueue({ depends_on: [known.uuid], idempotency_key: 'l' })
    const before = await world.fingerprint()
    const refused = async (fields: object, words: string) => {
      for (const [path, body] of [
        [jobPaths.enqueue, newJob({ ...fields })],
        [jobPaths.batch, { jobs: [newJob(), newJob({ ...fields })] }],
      ] as const) {
        const answer = await world.post(path, body)
        expect(answer).toMatchObject({
          status: 422,
          body: { code: 'invalid_request', errors: [{ path: 'depends_on' }] },
        })
        expect(JSON.stringify(answer.body)).toContain(words)
      }
    }
    await refused({ depends_on: ['nobody'] }, 'nobody')
    await refused({ depends_on: [known.uuid, 'nobody', 'no one'] }, 'no one')
    await refused({ idempotency_key: 'k', depends_on: [known.uuid] }, 'wait for themselves')
    await refused({ idempotency_key: 'k', depends_on: [next.uuid] }, String(next.uuid))
    await world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values (${known.uuid}, ${next.uuid})`
    await refused({ depends_on: [next.uuid] }, 'wait for themselves')
    await world.sql`delete from job_dependencies where job_uuid = ${known.uuid}`
    expect(await world.fingerprint()).toBe(before)
  })

  it('lets a chain of thirty jobs end with its first', async () => {
    let last = await worker.enqueue()
    for (let n = 0; n < 30; n++) last = await worker.enqueue({ depends_on: [last.uuid], queue: `q${n % 7}` })
    await worker.fail(await worker.take(), { retryable: false })
    expect((await statuses()).filter((status) => status === 'dependency_cancelled')).toHaveLength(29)
  })
})

describe('dependencies, and those who end them meanwhile', () => {
  it('takes in a job as cancelled while what it needs is being ended badly', async () => {
    const world = await openWorld('postgres')
    const other = otherProgram(world)
    try {
      const worker = workerOf(world.post)
      const needed = await worker.enqueue()
      const commit = await holding(
        other,
        (tx) => tx`update jobs set status = 'failed', completed_at = now() where id = ${needed.id}`,
      )
      const taken = worker.enqueue({ depends_on: [needed.uuid] })
      await until('it waits', async () => {
        const waiting = await other`
          select from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and query ~ 'for share'`
        return waiting.length > 0
      })
      await commit()
      expect(await taken).toMatchObject({
        status: 'cancelled',
        cancellation_reason: 'dependency_failed',
        created: true,
      })
      expect((await world.rows()).map(({ status }) => status)).toEqual(['failed', 'cancelled'])
    } finally {
      await other.end()
      await world.stop()
    }
  })
})

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { kinds } from '../../../support/database/database.ts'
import { ago, type Wanted } from '../../../support/database/job-row.ts'
import { each, justNow } from '../../../support/differences.ts'
import { addEdge, changeBy, filteredPaths, operationOf, undoOf } from '../../../support/filtered.ts'
import { openWorld, paths, type World } from '../../../support/world.ts'

const failed: Wanted = {
  status: 'failed',
  retry_count: 3,
  failure_streak_code: 'e',
  failure_streak_count: 2,
  available_at: ago(9 * 86_400),
  completion_token: 'token-9',
  error_message: 'boom',
  error_code: 'e',
  error_class: 'Boom',
  error_stack: ['at one', { at: 2 }],
  last_error: 'boom',
  failure_timeline: [{ error_code: 'e' }],
}

describe.each(kinds)('a retry of failed jobs on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())
  const retry = (body: object, path = filteredPaths.retry) => changeBy(world, path, { domain: 'chatbooks', ...body })
  const plain = async () => (await world.rows()).map(({ updated_at: _, ...row }) => row)

  const again = {
    ...{ status: 'queued', available_at: justNow, completed_at: null, completion_token: null },
    ...{ lease_id: null, worker_id: null },
    ...{ error_message: null, error_code: null, error_class: null, error_stack: null, last_error: null },
  }

  it('makes a job run as if it had never failed, keeps its timeline, and an undo restores every column', async () => {
    const ids = await world.jobs(2, failed)
    for (const status of ['queued', 'processing', 'completed', 'cancelled', 'quarantined'])
      await world.jobs(1, { status })
    const before = await plain()
    const { status, body, changed } = await retry({})
    expect({ status, body }).toMatchObject({ status: 200, body: { affected: 2, dependents: 0 } })
    const none = { retry_count: 0, failure_streak_code: null, failure_streak_count: 0 }
    expect(changed).toEqual(each(ids, { ...again, ...none }))
    expect(await undoOf(world, operationOf(body))).toMatchObject({ body: { affected: 2, conflict_count: 0 } })
    expect(await plain()).toEqual(before)
  })

  it('keeps the retries when asked to, and spreads the jobs over a time', async () => {
    const ids = await world.jobs(20, failed)
    const { changed } = await retry({ keep_retries: true, spread_seconds: 3600 })
    expect(Object.keys(changed)).toHaveLength(20)
    const times = ids.map((id) => Date.parse(String(changed[id]?.available_at)) - Date.now())
    expect(Math.min(...times)).toBeGreaterThan(-60_000)
    expect(Math.max(...times)).toBeLessThan(3_600_000)
    expect(new Set(times).size).toBeGreaterThan(1)
    for (const id of ids) expect(changed[id]).not.toHaveProperty('retry_count')
  })

  it('lets a retried job be leased and finished', async () => {
    const [id] = await world.jobs(1, { ...failed, status: 'failed' })
    await retry({})
    const { body } = await world.post('/api/v1/jobs/acquire', { domain: 'chatbooks', queue: 'default', worker_id: 'w' })
    const { jobs } = z.object({ jobs: z.array(z.object({ id: z.number(), lease_id: z.string() })) }).parse(body)
    expect(jobs.map((job) => job.id)).toEqual([id])
    const done = { worker_id: 'w', lease_id: jobs[0]?.lease_id, completion_token: 'token-9', result: {} }
    expect((await world.post(`/api/v1/jobs/${id}/complete`, done)).body).toMatchObject({ status: 'completed' })
  })

  it('takes queued jobs that are due later with only_failed: false, at the path of existing clients', async () => {
    const [late] = await world.jobs(1, { status: 'queued', available_at: ago(-3600) })
    await world.jobs(1, { status: 'queued', available_at: ago(3600) })
    expect((await retry({}, filteredPaths.retryNow)).ids).toEqual([])
    expect((await retry({ only_failed: false }, filteredPaths.retryNow)).ids).toEqual([late])
  })

  const dropped = (reason: string): Wanted => ({ status: 'cancelled', cancellation_reason: reason })

  it('brings back the tail that the failure had cancelled, counted before, and the undo takes it back', async () => {
    const [head] = await world.jobs(1, failed)
    const [one] = await world.jobs(1, dropped('dependency_failed'))
    const [two] = await world.jobs(1, dropped('dependency_cancelled'))
    await addEdge(world, one, head)
    await addEdge(world, two, one)
    await addEdge(world, two, head)
    const before = await plain()
    const dry = await world.post(filteredPaths.retry, { domain: 'chatbooks', dry_run: true })
    expect(dry.body).toMatchObject({ affected: 1, preview: { dependents: 2 } })
    const { body, changed } = await retry({})
    expect(body).toMatchObject({ affected: 1, dependents: 2 })
    const back = { status: 'queued', cancelled_at: null, cancellation_reason: null }
    expect(changed[one ?? 0]).toEqual(back)
    expect(changed[two ?? 0]).toEqual(back)
    expect((await world.steps()).map(({ event_type }) => event_type).sort()).toEqual([
      'job.retried',
      'job.revived',
      'job.revived',
    ])
    expect((await undoOf(world, operationOf(body))).body).toMatchObject({ affected: 3 })
    expect(await plain()).toEqual(before)
  })

  it('leaves what another failure, or somebody, has cancelled, and all of it with with_dependents: false', async () => {
    const [head] = await world.jobs(1, failed)
    const [other] = await world.jobs(1, { ...failed, domain: 'other' })
    const [blocked] = await world.jobs(1, dropped('dependency_failed'))
    const [behind] = await world.jobs(1, dropped('dependency_cancelled'))
    const [chosen] = await world.jobs(1, dropped('no more'))
    const [asked] = await world.jobs(1, { ...dropped('dependency_failed'), cancel_requested_at: ago(60) })
    const [free] = await world.jobs(1, dropped('dependency_failed'))
    for (const id of [blocked, chosen, asked, free]) await addEdge(world, id, head)
    await addEdge(world, blocked, other)
    await addEdge(world, behind, blocked)
    expect((await retry({ dry_run: true })).body).toMatchObject({ preview: { dependents: 1 } })
    expect((await retry({ dry_run: true, with_dependents: false })).body).toMatchObject({ preview: { dependents: 0 } })
    expect((await retry({})).ids).toEqual([head, free].sort())
    // The other failure was the last that held the two up.
    expect((await changeBy(world, filteredPaths.retry, { domain: 'other' })).ids).toEqual([other, blocked, behind])
  })

  it('brings back a job that needs two failed jobs, whichever batch has them', async () => {
    const heads = await world.jobs(40, failed)
    const [tail] = await world.jobs(1, dropped('dependency_failed'))
    for (const head of heads) await addEdge(world, tail, head)
    const { body, ids } = await retry({})
    expect(body).toMatchObject({ affected: 40, dependents: 1 })
    expect(ids).toContain(tail)
  })

  it('changes no job of a cycle of dependencies twice', async () => {
    const [head] = await world.jobs(1, failed)
    const [one, two] = await world.jobs(2, dropped('dependency_failed'))
    await addEdge(world, one, head)
    await addEdge(world, two, one)
    await addEdge(world, one, two)
    expect((await retry({})).body).toMatchObject({ affected: 1, dependents: 2 })
  })

  it('with a limit lists the jobs, and gives a token for the others', async () => {
    const ids = await world.jobs(5, failed)
    const dry = await world.post(filteredPaths.retry, { domain: 'chatbooks', dry_run: true })
    const preview_token = z.object({ preview: z.object({ token: z.string() }) }).parse(dry.body).preview.token
    const first = await retry({ limit: 2, preview_token })
    const { job_ids, rest_token } = z.object({ job_ids: z.array(z.number()), rest_token: z.string() }).parse(first.body)
    expect(first.ids).toEqual(job_ids)
    expect(job_ids).toHaveLength(2)
    const rest = await retry({ preview_token: rest_token })
    expect([...first.ids, ...rest.ids].sort()).toEqual([...ids].sort())
  })

  it('a requeue brings its dependents back, too', async () => {
    const [head] = await world.jobs(1, { status: 'quarantined' })
    const [tail] = await world.jobs(1, dropped('dependency_quarantined'))
    await addEdge(world, tail, head)
    expect((await changeBy(world, paths.requeue, { domain: 'chatbooks' })).ids).toEqual([head, tail])
    await world.sql`update jobs set status = 'quarantined', quarantined_at = now() where id = ${head ?? 0}::bigint`
    await world.sql`update jobs set status = 'cancelled', cancellation_reason = 'dependency_quarantined' where id = ${tail ?? 0}::bigint`
    const alone = { domain: 'chatbooks', with_dependents: false }
    expect((await changeBy(world, paths.requeue, alone)).ids).toEqual([head])
  })
})

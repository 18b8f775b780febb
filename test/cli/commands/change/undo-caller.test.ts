import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clearAll, doneOf, expectIntact } from '../../../support/changes/bulk-tools.ts'
import { waitingFor } from '../../../support/changes/dependents.ts'
import { openWorld, type World } from '../../../support/world.ts'

const batch = '/api/v1/jobs/batch'
const undoAll = ['undo', '--caller', 'single-user', '--since', '1h']

describe('an undo of operations that changed the same jobs', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  const change = async (path: string, body: object) => doneOf(await world.confirm(`${batch}/${path}`, body)).operation
  const states = async () => (await world.rows()).map(({ status }) => status).sort()

  /** Five failed jobs are retried, and three or all of them cancelled after that. */
  async function retriedAndCancelled(cancelled: number) {
    const ids = await world.jobs(5, { status: 'failed' })
    const retry = await change('retry', { domain: 'chatbooks' })
    const cancel = await change('cancel', { ids: ids.slice(0, cancelled) })
    return { ids, operations: [cancel, retry] }
  }

  it('goes on until nothing is left: jobs that a newer one gives back are given back by the older one, too', async () => {
    const { operations } = await retriedAndCancelled(3)
    const dry = await world.jobsctl([...undoAll, '--dry-run'])
    expect(dry).toMatchObject({
      code: 0,
      err: 'note: up to 3 more jobs are given back in turn, where a newer one of these operations changed the same job (now 3 jobs: the job has gone on, and is cancelled)\n',
    })
    expect(dry.out).toMatch(/^would give back 5 jobs of 2 operations of /)
    const done = await world.jobsctl([...undoAll, '--yes', '--json'])
    expect(done).toMatchObject({ code: 0, err: '' })
    expect(JSON.parse(done.out)).toMatchObject({ affected: 8, conflict_count: 0, operations_undone: operations })
    expect(await states()).toEqual(Array(5).fill('failed'))
    await expectIntact(world)
    expect(await world.jobsctl([...undoAll, '--yes'])).toMatchObject({ code: 6, out: '' })
  })

  it('includes an operation of which a newer one has all jobs', async () => {
    const { operations } = await retriedAndCancelled(5)
    const done = await world.jobsctl([...undoAll, '--yes', '--json'])
    expect(done).toMatchObject({ code: 0, err: '' })
    expect(JSON.parse(done.out)).toMatchObject({ affected: 10, conflict_count: 0, operations_undone: operations })
    expect(await states()).toEqual(Array(5).fill('failed'))
  })

  it('ends as partial with the number where somebody else has changed some', async () => {
    const { ids } = await retriedAndCancelled(3)
    const [first = 0, , , , last = 0] = ids
    await world.sql`update jobs set status = 'completed', completed_at = now() where id in ${world.sql([first, last])}`
    const done = await world.jobsctl([...undoAll, '--yes'])
    expect(done.code).toBe(9)
    expect(done.out).toMatch(/^gave back 5 jobs of 2 operations of single-user /)
    expect(done.err).toBe('note: 3 jobs cannot be given back: 3 jobs: the job has gone on, and is completed\n')
    expect(await states()).toEqual(['completed', 'completed', 'failed', 'failed', 'failed'])
  })

  it('with a scope tells of operations in the scope alone', async () => {
    await world.jobs(2, { domain: 'media' })
    await world.jobs(1, { domain: 'chatbooks', status: 'queued' })
    const pruned = { domain: 'media', no_archive: true }
    doneOf(await world.confirm('/api/v1/jobs/prune', pruned))
    await change('priority', { all: true, priority: 2 })
    const cancel = await change('cancel', { domain: 'chatbooks' })
    const inMedia = await world.jobsctl([...undoAll, '--domain', 'reports', '--yes'])
    expect(inMedia).toMatchObject({ code: 5, err: expect.stringContaining('changed no job in reports since') })
    const done = await world.jobsctl([...undoAll, '--domain', 'chatbooks', '--yes', '--json'])
    expect(done).toMatchObject({ code: 0, err: '' })
    expect(JSON.parse(done.out)).toMatchObject({ not_undone: [], operations_undone: [cancel, expect.any(Number)] })
    expect(await world.jobsctl([...undoAll, '--yes'])).toMatchObject({ code: 6, err: expect.stringContaining('prune') })
  })

  it('counts the reasons of all jobs, also of those that it does not list', async () => {
    await world.jobs(105, { status: 'failed' })
    const retry = await change('retry', { domain: 'chatbooks' })
    await world.sql`update jobs set status = 'completed', completed_at = now() where id <> (select min(id) from jobs)`
    const done = await world.jobsctl(['undo', String(retry), '--yes', '--json'])
    expect(done).toMatchObject({
      code: 9,
      err: 'note: 104 jobs cannot be given back: 104 jobs: the job has gone on, and is completed\n',
    })
    expect(JSON.parse(done.out)).toMatchObject({
      conflict_reasons: [{ reason: 'the job has gone on, and is completed', count: 104 }],
    })
  })

  it('adds up the jobs that come back along and the requests that are withdrawn, in words and in JSON', async () => {
    for (const dependents of [2, 3]) {
      const uuid = randomUUID()
      const id = await waitingFor(world.sql, dependents, { uuid })
      await world.sql`update jobs set status = 'failed', completed_at = '2020-01-01' where id = ${id}`
      doneOf(await world.confirm('/api/v1/jobs/prune', { ids: [id] }))
      const ids = await world.jobs(dependents, { status: 'processing' })
      await change('cancel', { ids })
    }
    const dry = await world.jobsctl([...undoAll, '--dry-run'])
    expect(dry).toMatchObject({ code: 0, err: '' })
    expect(dry.out).toContain('would give back 7 jobs of 4 operations')
    expect(dry.out).toContain('5 cancelled jobs that depend on them would be given back along')
    const done = await world.jobsctl([...undoAll, '--yes', '--json'])
    expect(JSON.parse(done.out)).toMatchObject({ affected: 7, dependents: 5, withdrawn: 5, conflict_count: 0 })
    expect(done).toMatchObject({
      code: 0,
      err: 'note: 5 jobs that depend on them were given back along\nnote: of them 5 running jobs, no longer asked to end\n',
    })
    expect((await states()).filter((status) => status === 'queued')).toHaveLength(5)
  })

  it('counts the jobs that several operations changed against the limit', async () => {
    await retriedAndCancelled(3)
    const before = await world.fingerprint()
    const refused = await world.jobsctl([...undoAll, '--max', '7', '--yes'])
    expect(refused).toMatchObject({ code: 8, out: '' })
    expect(refused.err).toContain('up to 8 jobs match, above the limit of 7; nothing was changed')
    expect(await world.fingerprint()).toBe(before)
    expect(await world.jobsctl([...undoAll, '--max', '8', '--yes'])).toMatchObject({ code: 0 })
  })
})

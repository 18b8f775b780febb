import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../../support/database/database.ts'
import type { Wanted } from '../../../support/database/job-row.ts'
import { changeBy, filteredPaths } from '../../../support/filtered.ts'
import { openWorld, type World, paths as worldPaths } from '../../../support/world.ts'

const own: Record<string, object> = {
  [filteredPaths.priority]: { priority: 1 },
  [filteredPaths.edit]: { set: [{ path: 'payload.a', value: 1 }] },
}
const bodyFor = (path: string, filter: object): object => ({ ...filter, ...own[path] })
const paths = Object.values(filteredPaths)

describe.each(kinds)('the filter of a change on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const then = '2020-01-01T00:00:00Z'
  const filters: [string, Wanted, object][] = [
    ['domain', { domain: 'other' }, { domain: ' other ' }],
    ['queue', { queue: 'low' }, { queue: 'low' }],
    ['job_type', { job_type: 'import' }, { job_type: 'import' }],
    ['the owner', { owner_user_id: 'o' }, { owner_user_id: 'o' }],
    ['the batch', { batch_group: 'b' }, { batch_group: 'b' }],
    ['the worker', { worker_id: 'w' }, { worker_id: 'w' }],
    ['the error code', { error_code: 'e' }, { error_code: 'e' }],
    ['a part of the error', { error_message: 'Disk is FULL' }, { error: 'full' }],
    ['the creation before a time', { created_at: then }, { created_before: '2020-01-02T00:00:00Z' }],
    ['the end before a time', { completed_at: then }, { ended_before: '2020-01-02T00:00:00Z' }],
    ['the number of retries', { retry_count: 3 }, { min_retries: 3 }],
    ['a value in the payload', { payload: { customer: { id: 7 } } }, { 'payload.customer.id': '7' }],
    ['a state beside a domain', { status: 'failed' }, { domain: 'chatbooks', status: 'failed' }],
  ]
  it.each(filters)('by %s takes the jobs that the list shows, and no others', async (_name, wanted, filter) => {
    const [one = 0] = await world.jobs(1, { status: 'failed', ...wanted })
    const others: Wanted = wanted.status === undefined ? { status: 'failed' } : { status: 'queued' }
    await world.jobs(2, others)
    const { status, body, ids } = await changeBy(world, filteredPaths.retry, filter)
    expect({ status, body, ids }).toMatchObject({ status: 200, body: { affected: 1 }, ids: [one] })
  })

  it.each(filters.filter(([, , filter]) => !('status' in filter)))(
    'by %s narrows a prune, a sweep, a requeue and a repair',
    async (_name, wanted, filter) => {
      const days = 40
      const changes: [string, Wanted, object][] = [
        [worldPaths.requeue, { status: 'quarantined' }, {}],
        [worldPaths.sweep, { status: 'queued' }, { age_seconds: 60 }],
        [worldPaths.prune, { status: 'failed', days }, { older_than_days: 1 }],
        [worldPaths.integrity, { status: 'queued', leased_until: then }, { fix: true }],
      ]
      for (const [path, state, own] of changes) {
        await world.clear()
        // A job that has ended at that time is pruned by it; a live job has not ended.
        if ('ended_before' in filter && path !== worldPaths.prune) continue
        const [one = 0] = await world.jobs(1, { ...state, ...wanted })
        await world.jobs(2, state)
        const body = { domain: wanted.domain ?? 'chatbooks', ...filter, ...own }
        const { status, body: answer, ids } = await changeBy(world, path, body)
        expect({ path, status, answer, ids }).toMatchObject({ status: 200, ids: [one] })
      }
    },
  )

  it('takes one job, a list of ids, and every job with all: true', async () => {
    const [one = 0, two = 0, three = 0] = await world.jobs(4, { status: 'failed' })
    const retry = async (body: object) => (await changeBy(world, filteredPaths.retry, body)).ids
    expect(await retry({ job_id: one })).toEqual([one])
    expect(await retry({ ids: [two, three, one] })).toEqual([two, three])
    expect(await retry({ all: true })).toHaveLength(1)
  })

  it('takes a hundred thousand ids, whose record has their number and a hash', async () => {
    const ids = await world.jobs(3, { status: 'failed' })
    const many = [...ids, ...Array.from({ length: 100_000 }, (_, at) => 1_000_000 + at)]
    const { status, body } = await changeBy(world, filteredPaths.retry, { ids: many })
    expect({ status, body }).toMatchObject({ status: 200, body: { affected: 3 } })
    const [record] = await world.sql`select filters -> 'ids' as ids from job_operations`
    expect(record?.ids).toMatchObject({ count: 100_003, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })
  })

  it.each(paths)('%s: is refused when nothing narrows it, and changes nothing', async (path) => {
    await world.jobs(2, { status: 'failed' })
    await world.jobs(2, { status: 'queued' })
    await world.jobs(2, { status: 'processing' })
    const before = await world.fingerprint()
    const bad = [
      {},
      { domain: '' },
      { domain: null, queue: ' ' },
      { status: 'failed' },
      { all: false },
      { stale: false },
      { domain: 'chatbooks', owner_user_id: '' },
      { domain: 'chatbooks', error: null },
      { domain: 'chatbooks', ids: [] },
      { domain: 'chatbooks', ids: [1.5] },
      { domain: 'chatbooks', ids: ['x'] },
      { domain: 'chatbooks', ids: 7 },
      { job_id: 1, ids: [1] },
      { domain: 'chatbooks', owner: 'alice' },
      { domain: 'chatbooks', created_before: 'yesterday' },
      { domain: 7 },
      [],
    ]
    for (const body of bad) {
      const sent = Array.isArray(body) ? body : bodyFor(path, body)
      const { status, body: answer } = await world.confirm(path, sent)
      expect({ body, status, answer }).toMatchObject({ status: 422, answer: { code: 'invalid_request' } })
    }
    expect((await world.post(path, bodyFor(path, { domain: 'chatbooks' }))).status).toBe(400)
    expect(await world.fingerprint()).toBe(before)
  })

  it.each(paths)('%s: takes null and blank for what existing clients leave out', async (path) => {
    const { status } = await world.post(path, bodyFor(path, { domain: 'd', queue: '', job_type: null, dry_run: true }))
    expect(status).toBe(200)
  })
})

import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { listWorkers } from '../../../shared/endpoints.ts'
import type { WorkerRow } from '../../../shared/queues/workers.ts'
import { kinds, newDatabase } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { until } from '../../support/poll.ts'
import { workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(kinds)('the workers on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind)
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  async function list(query: Record<string, string> = {}): Promise<WorkerRow[]> {
    const { status, body } = await world.call('GET', `/api/v1/jobs/workers?${new URLSearchParams(query)}`)
    expect(status, JSON.stringify(body)).toBe(200)
    return listWorkers.output.parse(body)
  }

  it('are those of rows of other programs: leases, times, and what they ended in 15 minutes', async () => {
    const [oldest, newest] = [ago(3600), ago(60)]
    await world.jobs(1, { status: 'processing', worker_id: 'a', acquired_at: oldest, updated_at: oldest })
    await world.jobs(1, {
      status: 'processing',
      worker_id: 'a',
      acquired_at: newest,
      updated_at: oldest,
      leased_until: ago(5),
    })
    await world.jobs(1, { status: 'processing', worker_id: null, leased_until: null, acquired_at: null, queue: 'low' })
    await world.jobs(2, { worker_id: 'b', completed_at: ago(100), acquired_at: ago(120) })
    await world.jobs(1, { status: 'failed', worker_id: 'b', completed_at: ago(100) })
    await world.jobs(1, { status: 'quarantined', worker_id: 'b', quarantined_at: ago(100) })
    await world.jobs(1, { worker_id: 'long gone', completed_at: ago(1000) })
    await world.jobs(1, { status: 'queued' })

    const queue = { domain: 'chatbooks', queue: 'default' }
    const found = await list()
    expect(found.map(({ worker_id }) => worker_id)).toEqual(['a', null, 'b'])
    expect(found[0]).toMatchObject({
      ...{ leases: 2, expired: 1, last_asked_at: null, last_renewed_at: null, done_15m: 0, failed_15m: 0 },
      queues: [queue],
    })
    expect([found[0]?.oldest_lease_at, found[0]?.last_acquired_at].map((time) => Date.parse(time ?? ''))).toEqual(
      [oldest, newest].map((time) => Date.parse(time)),
    )
    expect(found[1]).toMatchObject({ leases: 1, expired: 1, oldest_lease_at: null, queues: [{ queue: 'low' }] })
    expect(found[2]).toMatchObject({ leases: 0, done_15m: 2, failed_15m: 2, last_acquired_at: expect.any(String) })
    expect((await list({ ...queue })).map(({ worker_id }) => worker_id)).toEqual(['a', 'b'])
    expect((await list({ queue: 'low' })).map(({ worker_id }) => worker_id)).toEqual([null])
    expect(await list({ domain: 'other' })).toEqual([])
  })

  it('are those that ask over HTTP, also without a job, and those whose leases are renewed', async () => {
    await worker.lease({ worker_id: 'idle', queue: 'asked' })
    await until('the mark', async () => (await list({ queue: 'asked' })).length === 1)
    await worker.enqueue({ queue: 'asked' })
    const job = await worker.take({ worker_id: 'busy', queue: 'asked' })
    await worker.renew(job)
    const found = await until('both marks', async () => {
      const rows = await list({ domain: 'chatbooks', queue: 'asked' })
      return rows.filter(({ last_asked_at }) => last_asked_at !== null).length === 2 ? rows : undefined
    })
    expect(found).toMatchObject([
      { worker_id: 'busy', leases: 1, expired: 0, last_renewed_at: expect.any(String), queues: [{ queue: 'asked' }] },
      { worker_id: 'idle', leases: 0, oldest_lease_at: null, last_acquired_at: null, last_renewed_at: null },
    ])
    await worker.complete(job)
    expect((await list({ queue: 'asked' })).find(({ worker_id }) => worker_id === 'busy')).toMatchObject({
      ...{ leases: 0, done_15m: 1 },
    })
  })

  it('are at most 1,000, with at most 20 queues each, and the answer says where there are more', async () => {
    await world.sql`
      insert into jobsctl_worker_marks (domain, queue, worker_id, filter)
      select 'd', 'q' || n % 30, case when n < 60 then 'one' else 'w' || n end, n::text from generate_series(1, 1100) as n`
    const { body, headers } = await world.call('GET', '/api/v1/jobs/workers')
    const rows = listWorkers.output.parse(body)
    expect([rows.length, headers['x-complete']]).toEqual([1000, 'false'])
    const [one] = (await list({ domain: 'd' })).filter(({ worker_id }) => worker_id === 'one')
    expect(one?.queues).toHaveLength(20)
    expect((await world.call('GET', '/api/v1/jobs/workers?queue=q1')).headers['x-complete']).toBe('true')
    for (const query of ['job_type=t', 'queue=q&limit=1']) {
      expect((await world.call('GET', `/api/v1/jobs/workers?${query}`)).status).toBe(422)
    }
  })
})

it('marks of workers are deleted an hour after the last call, and pick-ups of a group after 30 days', async () => {
  const database = await newDatabase('postgres')
  const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1 })
  await sql.unsafe(`
    insert into jobsctl_worker_marks (domain, queue, worker_id, filter, asked_at)
    values ('d', 'q', 'old', '', now() - interval '61 minutes'), ('d', 'q', 'new', '', now() - interval '50 minutes');
    insert into jobsctl_pickups (domain, queue, job_type, picked_up_at)
    values ('d', 'q', 'old', now() - interval '31 days'), ('d', 'q', 'new', now() - interval '29 days')`)
  const world = await openWorld('postgres', {}, Promise.resolve(database))
  try {
    const left = async () => [
      ...(await sql`select worker_id as name from jobsctl_worker_marks`),
      ...(await sql`select job_type as name from jobsctl_pickups`),
    ]
    const names = await until('the old rows are deleted', async () => {
      const rows = await left()
      return rows.length === 2 ? rows.map(({ name }) => name) : undefined
    })
    expect(names).toEqual(['new', 'new'])
  } finally {
    await sql.end()
    await world.stop()
  }
})

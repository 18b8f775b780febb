import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clearAll } from '../../support/changes/bulk-tools.ts'
import { addEdge, waitingFor } from '../../support/changes/dependents.ts'
import { kinds } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { held, jobPaths, workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(kinds)('a job on which very many depend ends badly, on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind)
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await clearAll(world)
    await world.sql`truncate jobsctl_cascades, jobsctl_cascade_parents`
  })

  const cancelled = async () => {
    const [row] = await world.sql<{ n: number }[]>`select count(*) as n from jobs where status = 'cancelled'`
    return Number(row?.n)
  }
  const queued = () => world.sql`select from jobs where status = 'queued'`.then(({ count }) => count)
  const left = () => world.sql`select from jobsctl_cascades`.then(({ count }) => count)
  const concluded = async () =>
    (await world.events()).filter(({ event_type }) => event_type === 'jobs.dependents_cancelled')
  const allGone = () => until('nothing is left', async () => (await left()) === 0)
  const freeze = () => world.sql`insert into jobsctl_settings (name, value) values ('freeze', 'by hand')`
  const thaw = () => world.sql`delete from jobsctl_settings where name = 'freeze'`
  /** The end of an attempt is never refused; what a server does in the background waits for the thaw. */
  const frozen = async (act: () => Promise<void>) => {
    await freeze()
    try {
      await act()
    } finally {
      await thaw()
    }
  }
  const failFirst = async () => worker.fail(await worker.take(), { retryable: false })

  it('ends with exactly a thousand of them in its own statement, and nothing is left', async () => {
    await waitingFor(world.sql, 1000, { uuid: randomUUID() })
    await failFirst()
    expect(await cancelled()).toBe(1000)
    expect(await left()).toBe(0)
    expect(await concluded()).toEqual([])
  })

  it('ends with a thousand of 1,050; no worker gets the others, which a server cancels later, with one event', async () => {
    const id = await waitingFor(world.sql, 1050, { uuid: randomUUID() })
    await frozen(async () => {
      await failFirst()
      expect(await cancelled()).toBe(1000)
      expect(await queued()).toBe(50)
      expect(await left()).toBe(1)
      const [waiting] = await world.sql<{ id: number }[]>`select id from jobs where status = 'queued' limit 1`
      const why = await world.call('GET', `/api/v1/jobs/${waiting?.id}/explain`)
      // Nor does a worker that finds nothing else to do begin with them again.
      expect(await worker.lease()).toEqual([])
      expect(await queued()).toBe(50)
      expect(await left()).toBe(1)
      expect(why).toMatchObject({ body: { reasons: [{ code: 'dependency_ended', facts: { jobs: [{ id }] } }] } })
    })
    await allGone()
    expect(await cancelled()).toBe(1050)
    expect(await concluded()).toMatchObject([
      { domain: 'chatbooks', queue: 'default', attrs_json: { jobs: [id], dependents: 1050 } },
    ])
    expect((await world.steps()).filter(({ event_type }) => event_type === 'job.cancelled')).toHaveLength(1050)
    expect(await world.sql`select from jobsctl_cascade_parents`).toHaveLength(0)
  })

  it('goes down level by level, round a circle and through a diamond, each job once', async () => {
    const uuid = randomUUID()
    await waitingFor(world.sql, 1100, { uuid })
    // Each of twenty waits for one of the first, and the last of all for two ways; the first of them waits for the last, too.
    for (let n = 1; n <= 20; n++) {
      await world.jobs(1, { status: 'queued', uuid: `${uuid}+${n}` })
      await addEdge(world.sql, `${uuid}+${n}`, n % 2 ? `${uuid}-${n}` : `${uuid}+${n - 1}`)
    }
    await addEdge(world.sql, `${uuid}+20`, `${uuid}-7`)
    await addEdge(world.sql, `${uuid}-1`, `${uuid}+20`)
    await failFirst()
    await allGone()
    expect(await cancelled()).toBe(1120)
    expect(await concluded()).toMatchObject([{ attrs_json: { dependents: 1120 } }])
  })

  it('names no domain in the event where they lie in several', async () => {
    await waitingFor(world.sql, 1010, { uuid: randomUUID(), domain: 'tales' })
    await failFirst()
    await allGone()
    expect(await concluded()).toMatchObject([{ domain: null, queue: 'default', attrs_json: { dependents: 1010 } }])
  })

  it.each(['lost lease', 'finish of many', 'acquire'])('does so by %s', async (how) => {
    await waitingFor(world.sql, 1010, { uuid: randomUUID() })
    if (how === 'finish of many') {
      const job = await worker.take()
      await world.post(jobPaths.finishMany, {
        jobs: [{ id: job.id, ...held(job), action: 'fail', error: 'broken', retryable: false }],
      })
    } else if (how === 'lost lease') {
      await worker.take()
      await world.sql`
        update jobs set leased_until = now() - interval '1 second', retry_count = 3 where status = 'processing'`
      expect(await worker.lease()).toEqual([])
    } else {
      await world.sql`update jobs set status = 'failed', completed_at = now() where id = (select min(id) from jobs)`
      expect(await worker.lease()).toEqual([])
      expect(await cancelled()).toBe(1000)
    }
    await allGone()
    expect(await cancelled()).toBe(1010)
  })

  it('keeps those that are left where the job runs again meanwhile', async () => {
    const uuid = randomUUID()
    const id = await waitingFor(world.sql, 1050, { uuid })
    await frozen(async () => {
      await failFirst()
      await world.sql`update jobs set status = 'queued' where id = ${id}`
    })
    await allGone()
    expect(await queued()).toBe(51)
    expect(await worker.take()).toMatchObject({ id })
  })

  it('is done once by two servers', async () => {
    if (kind !== 'postgres') return
    const other = await startServer(world.env)
    await other.prepared
    for (let n = 0; n < 3; n++) await waitingFor(world.sql, 1500, { uuid: randomUUID() })
    for (let n = 0; n < 3; n++) await failFirst()
    await allGone()
    await other.stop()
    expect(await cancelled()).toBe(4500)
    const steps = (await world.steps()).filter(({ event_type }) => event_type === 'job.cancelled')
    expect(new Set(steps.map(({ job_id }) => job_id)).size).toBe(steps.length)
    expect((await concluded()).map(({ attrs_json }) => attrs_json.dependents)).toEqual([1500, 1500, 1500])
  })
})

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { clearAll } from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import { filteredPaths } from '../../support/filtered.ts'
import { until } from '../../support/poll.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const retry = { domain: 'chatbooks' }
const path = (id: number, what: string) => `/api/v1/jobs/operations/${id}/${what}`
const Record = z.array(z.object({ id: z.number(), state: z.string(), affected: z.number() }))

describe.each(kinds)('the course of a change on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  const running = async () => {
    const { body } = await world.call('GET', '/api/v1/jobs/operations?state=running')
    return Record.parse(body)[0]
  }
  /** The id of a change that runs slowly, once it has changed a job. */
  async function slowChange(jobs = 500) {
    await world.jobs(jobs, { status: 'failed' })
    const change = world.confirm(filteredPaths.retry, { ...retry, rate: 20 })
    const operation = await until('a change runs', async () => {
      const record = await running()
      return record && record.affected > 0 ? record : undefined
    })
    return { change, id: operation.id }
  }

  it('goes no faster than its rate, and changes all', async () => {
    await world.jobs(12, { status: 'failed' })
    const began = performance.now()
    const { body } = await world.confirm(filteredPaths.retry, { ...retry, rate: 8 })
    // Twelve jobs at eight a second, in batches of four: the last batch begins a second after the first, or later.
    expect(performance.now() - began).toBeGreaterThan(950)
    expect(body).toMatchObject({ affected: 12, batches: 3 })
  })

  it('begins no batch after its time, and says how far it came', async () => {
    await world.jobs(100, { status: 'failed' })
    const past = '2020-01-01T00:00:00Z'
    const none = await world.confirm(filteredPaths.retry, { ...retry, until: past })
    expect(none).toMatchObject({
      status: 503,
      body: { code: 'partial', detail: `its time was over (${past}); nothing was changed` },
    })
    let [some, ms] = [none, 1500]
    // On a busy machine the time is over before the first batch.
    for (; JSON.stringify(some.body).includes('nothing was changed') && ms < 60_000; ms *= 2) {
      const soon = new Date(Date.now() + ms).toISOString()
      some = await world.confirm(filteredPaths.retry, { ...retry, rate: 1, until: soon })
    }
    expect(some).toMatchObject({
      status: 503,
      body: {
        code: 'partial',
        detail: expect.stringMatching(/^its time was over .*; (1 job was|\d+ jobs were) changed/),
      },
    })
    expect((await world.confirm(filteredPaths.retry, retry)).status).toBe(200)
  })

  it.each([{ rate: 0 }, { rate: 1.5 }, { rate: 'x' }, { until: 'soon' }, { until: 7 }])('refuses %j', async (brake) => {
    for (const [changePath, body] of [
      [filteredPaths.retry, retry],
      [paths.prune, {}],
    ] as const) {
      expect((await world.confirm(changePath, { ...body, ...brake })).status).toBe(422)
    }
  })

  it('stops after its batch when somebody asks, and another change of its scope can begin', async () => {
    const { change, id } = await slowChange()
    const stop = await world.post(path(id, 'stop'), {}, { 'x-reason': 'the replica lags' })
    expect(stop).toMatchObject({ status: 200, body: { id, state: 'running', stop_requested: true } })
    expect(await change).toMatchObject({
      status: 503,
      body: { code: 'partial', detail: expect.stringContaining('single-user stopped it ("the replica lags")') },
    })
    const again = await world.post(path(id, 'stop'), {})
    expect(again.body).toEqual({ id, state: 'partial', stop_requested: false })
    expect((await world.post(path(999_999, 'stop'), {})).status).toBe(404)
    expect(await world.sql`select * from jobsctl_stops`).toEqual([])
    expect((await world.confirm(filteredPaths.retry, { ...retry, max: 500 })).status).toBe(200)
  })

  it('is followed line by line to its end', async () => {
    const { change, id } = await slowChange()
    const following = world.call('GET', path(id, 'progress'))
    await world.post(path(id, 'stop'), {})
    await change
    const { body } = await following
    const lines = String(body)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines[0]).toMatchObject({ progress: { operation_id: id } })
    expect(lines.at(-1)).toMatchObject({ error: { code: 'partial', status: 503 } })

    const { body: done } = await world.confirm(filteredPaths.retry, retry)
    const operation = z.object({ operation_id: z.number() }).parse(done).operation_id
    const { body: whole } = await world.call('GET', path(operation, 'progress'))
    expect(JSON.stringify(whole)).toContain('affected')
    expect((await world.call('GET', path(999_999, 'progress'))).status).toBe(404)
  })

  it('is stopped and followed by jobsctl', async () => {
    const { change, id } = await slowChange()
    const follow = world.jobsctl(['operations', 'follow', String(id)])
    const stop = await world.jobsctl(['operations', 'stop', String(id)])
    expect(stop).toMatchObject({ code: 0, out: `operation ${id} stops after its running batch\n` })
    await change
    const followed = await follow
    expect(followed, followed.err).toMatchObject({ code: 9 })
    expect(await world.jobsctl(['operations', 'stop', String(id)])).toMatchObject({
      code: 6,
      err: expect.stringContaining(`operation ${id} has ended already (partial); nothing was stopped`),
    })
    const bad = await world.jobsctl(['operations', 'stop'])
    expect(bad).toMatchObject({ code: 2, err: expect.stringContaining('operations stop needs the id') })
    const run = await world.jobsctl(['retry', '--domain', 'chatbooks', '--rate', '1000', '--until', '1h', '--yes'])
    expect(run).toMatchObject({ code: 0, out: expect.stringMatching(/^retried \d+ jobs/) })
    const late = await world.jobsctl(['retry', '--all', '--until', '2020-01-01T00:00:00Z', '--yes'])
    expect(late.code).toBe(0)
  })
})

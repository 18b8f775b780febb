import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeDepths } from '../../../server/background/keep-depths.ts'
import { explainQueue } from '../../../shared/endpoints.ts'
import { asOperator, openScopedWorld } from '../../support/access/scoped-world.ts'
import { kinds } from '../../support/database/database.ts'
import { countsOf } from '../../support/observe/counts.ts'
import { stopWritingDepths } from '../../support/observe/depths.ts'
import { until } from '../../support/poll.ts'
import type { World } from '../../support/world.ts'

describe.each(kinds)('explain of a queue in the past on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openScopedWorld(kind)
    await until('the counts are exact', async () => (await countsOf(world)).kept)
    // The server would write its first depths at the same time as the test, and one of the two would fail.
    await stopWritingDepths(world.sql)
  })
  afterAll(() => world?.stop())

  /** A moment that is over at the return: the clock of the embedded database gives whole milliseconds, and two statements may see the same one. */
  const now = async () => {
    const [{ at }] = await world.sql<[{ at: string }]>`select clock_timestamp() as at`
    await until('the clock has moved on', async () => {
      const [row] = await world.sql<[{ later: boolean }]>`select clock_timestamp() > ${at} as later`
      return row.later
    })
    return at
  }
  const control = (action: string, reason?: string) =>
    world.confirm('/api/v1/jobs/queue/control', { domain: 'd', queue: 'q', action, ...(reason && { reason }) })
  const explained = (at: string, as: Pick<World, 'call'> = world) =>
    as.call('GET', `${explainQueue.path}?domain=d&queue=q&at=${encodeURIComponent(at)}`)

  it('tells whether it was stopped and by whom, its counts, and for how long a job had waited', async () => {
    await world.jobs(2, { domain: 'd', queue: 'q', status: 'queued' })
    await world.sql`update jobs set created_at = now() - interval '10 minutes'`
    await world.post('/api/v1/jobs', { domain: 'd', queue: 'q', job_type: 't', payload: {} })
    const before = await now()
    expect((await control('pause', 'third party is down')).status).toBe(200)
    await until('the depths are written', () => writeDepths(world.sql))
    const stopped = await now()
    await control('resume')
    await world.post('/api/v1/jobs/acquire', { domain: 'd', queue: 'q', worker_id: 'w' })
    await world.sql`delete from jobs where acquired_at is null`
    const body = explainQueue.output.parse((await explained(stopped)).body)
    expect(body).toMatchObject({ at: stopped, due: 3, processing: 0, oldest_wait: { seconds: expect.any(Number) } })
    expect(body.oldest_wait?.seconds).toBeGreaterThanOrEqual(600)
    expect(body.reasons).toMatchObject([
      { code: 'queue_paused', facts: { by: expect.any(String), why: 'third party is down' }, remedy: null },
    ])
    expect(body.sentence).toMatch(/^d\/q at .* UTC: 3 jobs due, the oldest for at least 10m( \d+s)?, 0 running\.$/)
    const earlier = explainQueue.output.parse((await explained(before)).body)
    expect(earlier.reasons).toEqual([])
    expect(explainQueue.output.parse((await explained(await now())).body).reasons).toEqual([])
  })

  it('goes by what another program has done since the last stop or resume on record', async () => {
    const set = (paused: boolean) => world.sql`
      update job_queue_controls set paused = ${paused}, drain = false, updated_at = clock_timestamp() where domain = 'd' and queue = 'q'`
    await world.post('/api/v1/jobs', { domain: 'd', queue: 'q', job_type: 't', payload: {} })
    await control('pause', 'disk full')
    await control('resume')
    const resumed = await now()
    await set(true)
    const stopped = await now()
    const reasonsAt = async (at: string) => explainQueue.output.parse((await explained(at)).body).reasons
    expect(await reasonsAt(stopped)).toMatchObject([{ code: 'queue_paused', facts: { by: null, why: null } }])
    expect(await reasonsAt(resumed)).toEqual([])
    await control('pause', 'disk full again')
    const paused = await now()
    expect(await reasonsAt(paused)).toMatchObject([{ code: 'queue_paused', facts: { why: 'disk full again' } }])
    await set(false)
    expect(await reasonsAt(await now())).toEqual([])
    expect(await reasonsAt(paused)).toMatchObject([{ code: 'queue_paused', facts: { why: 'disk full again' } }])
  })

  it('is not there for a caller outside of its scope, and not for a time to come', async () => {
    const other = await asOperator(world, { domains: ['other'] })
    const detail = 'no job is known to have been in d/q then'
    expect(await explained(await now(), other)).toMatchObject({ status: 404, body: { detail } })
    expect(await explained(new Date(Date.now() + 600_000).toISOString())).toMatchObject({ status: 422 })
  })
})

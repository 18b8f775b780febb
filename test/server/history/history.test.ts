import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { history } from '../../../shared/endpoints.ts'
import { kinds } from '../../support/database/database.ts'
import { expectExact, untilKept, watchRows } from '../../support/observe/history.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(kinds)('the history of jobs on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
    await untilKept(world)
    await watchRows(world.sql)
  })
  afterAll(() => world?.stop())

  const read = async (query: string) => {
    const answer = await world.call('GET', `${history.path}${query}`)
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    return history.output.parse(answer.body)
  }

  it('counts from the first job on that a ready server takes', async () => {
    const fresh = await openWorld(kind)
    try {
      for (let n = 0; n < 3; n++)
        await fresh.post('/api/v1/jobs', { domain: 'first', queue: 'q', job_type: 't', payload: {} })
      const { body } = await fresh.call('GET', `${history.path}?domain=first&step=1d`)
      const { kept, points } = history.output.parse(body)
      expect({ kept, created: points.reduce((sum, { created }) => sum + created, 0) }).toEqual({
        kept: true,
        created: 3,
      })
    } finally {
      await fresh.stop()
    }
  })

  it('has each transition once, whether workers call the API or write SQL', async () => {
    const { sql, post } = world
    const job = { domain: 'd', queue: 'default', job_type: 't', payload: {} }
    for (let n = 0; n < 3; n++) await post('/api/v1/jobs', job)
    const leased = await post('/api/v1/jobs/acquire', { domain: 'd', queue: 'default', worker_id: 'w' })
    const { id, lease_id } = Object(Object(leased.body).job ?? leased.body)
    await post(`/api/v1/jobs/${id}/complete`, { worker_id: 'w', lease_id })
    // Programs that write SQL: many at once, a lease of theirs, one that takes a lease that ran out, and an end of an odd kind.
    await sql`
      insert into jobs (domain, queue, job_type, status, available_at, created_at)
      select 'sql', 'q' || n % 2, 't', 'queued', case n % 3 when 1 then '-infinity' when 2 then now() - n * interval '10 minutes' end, '0001-01-01'
      from generate_series(1, 60) n`
    await sql`update jobs set status = 'processing', lease_id = 'l' || id, acquired_at = now() where domain = 'sql' and id % 2 = 0`
    await sql`update jobs set leased_until = now() - interval '20 seconds' where domain = 'sql' and status = 'processing'`
    await sql`update jobs set lease_id = 'm' || id where domain = 'sql' and status = 'processing' and id % 4 = 0`
    await sql`update jobs set progress_percent = 5, leased_until = now() + interval '1 minute' where domain = 'sql'`
    await sql`
      update jobs
      set status = case id % 6 when 0 then 'completed' when 2 then 'failed' else 'queued' end,
        completed_at = case when id % 6 < 4 then now() + interval '90 seconds' end
      where domain = 'sql' and status = 'processing'`
    await sql`insert into jobs (domain, queue, job_type, status) values ('sql', 'q', 't', 'completed')`
    await sql`update jobs set status = 'cancelled', queue = 'moved' where domain = 'sql' and status = 'queued'`
    await expectExact(world)
  })

  it('answers the sums of its scope, and what has not been added up yet', async () => {
    const { sql } = world
    await sql`insert into jobs (domain, queue, job_type, status) select 'fresh', 'q', 't', 'queued' from generate_series(1, 5)`
    await sql`update jobs set status = 'processing', acquired_at = created_at + interval '45 seconds' where domain = 'fresh'`
    const sumsOf = ({ points }: Awaited<ReturnType<typeof read>>) => ({
      created: points.reduce((sum, { created }) => sum + created, 0),
      acquired: points.reduce((sum, { acquired }) => sum + acquired, 0),
      waits: points.reduce((sum, { wait }) => sum + wait.jobs, 0),
      seconds: points.reduce((sum, { wait }) => sum + wait.seconds, 0),
      below: points.reduce((sum, { wait }) => sum + (wait.buckets[8] ?? 0), 0),
    })
    for (const step of ['1m', '1h', '1d'])
      expect(sumsOf(await read(`?domain=fresh&step=${step}`)), step).toEqual({
        ...{ created: 5, acquired: 5, waits: 5, seconds: 225, below: 5 },
      })
    const all = await read('')
    expect(all).toMatchObject({ kept: true, why: null, step_seconds: 3600, since: expect.any(String), gaps: [] })
    expect(all.points.length).toBeGreaterThanOrEqual(24)
    expect(sumsOf(await read('?domain=fresh&queue=other'))).toMatchObject({ created: 0 })
  })

  it.each([
    ['?from=2026-01-01T00:00:00Z&step=1m', 'history by the minute is kept for 7 days'],
    ['?from=2020-01-01T00:00:00Z&step=1h', 'at most 2000 are answered'],
    [
      '?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z',
      'the range is empty: 2026-01-02T00:00:00.000Z is not before 2026-01-01T00:00:00.000Z',
    ],
    ['?to=9999-12-31T23:59:59Z', 'within the years 1 to 9999'],
    ['?to=0001-01-01T12:00:00Z', 'within the years 1 to 9999'],
    ['?step=2m', 'must be one of 1m, 5m'],
    ['?from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z', 'at most 2000 are answered'],
  ])('refuses %s', async (query, why) => {
    const answer = await world.call('GET', `${history.path}${query}`)
    expect(answer).toMatchObject({ status: 422 })
    expect(JSON.stringify(answer.body)).toContain(why)
  })
})

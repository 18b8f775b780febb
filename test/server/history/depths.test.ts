import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeDepths } from '../../../server/background/keep-depths.ts'
import { deleteExpiredHistory } from '../../../server/history/history-retention.ts'
import { history, stats } from '../../../shared/endpoints.ts'
import type { GroupStats } from '../../../shared/queues/stats.ts'
import { asOperator, openScopedWorld } from '../../support/access/scoped-world.ts'
import { kinds } from '../../support/database/database.ts'
import { countsOf } from '../../support/observe/counts.ts'
import { stopWritingDepths } from '../../support/observe/depths.ts'
import { until } from '../../support/poll.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(kinds)('the depths of queues on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
    await until('the counts are exact', async () => (await countsOf(world)).kept)
    await stopWritingDepths(world.sql)
  })
  afterAll(() => world?.stop())

  const add = (domain: string, queue: string, jobs: number) => world.sql`
    insert into jobs (domain, queue, job_type, status) select ${domain}, ${queue}, 't', 'queued' from generate_series(1, ${jobs}::int)`

  /** Writes the depths of now, and lets them be as old as `age` says. */
  async function writeAgo(age: string): Promise<string> {
    expect(await writeDepths(world.sql)).toBe(true)
    const [{ moment }] = await world.sql<[{ moment: string }]>`
      with newest as (select max(moment) as moment from jobsctl_depth_moments),
      rows as (update jobsctl_depths set moment = moment - ${age}::interval where moment = (select moment from newest))
      update jobsctl_depth_moments set moment = moment - ${age}::interval where moment = (select moment from newest)
      returning moment`
    return moment
  }

  const past = async (query: string): Promise<GroupStats[]> => {
    const answer = await world.call('GET', `${stats.path}?${query}`)
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    return stats.output.parse(answer.body)
  }

  const group = { job_type: 't', scheduled: 0, processing: 0, quarantined: 0 }

  /** Writes depths with two queues an age ago, and now with one that has grown, while the other is gone. */
  async function writeTwo(age: string): Promise<{ first: string; before: string; second: string }> {
    await world.clear()
    await add('d', 'a', 3)
    await add('d', 'b', 1)
    const first = await writeAgo(age)
    await add('d', 'a', 2)
    await world.sql`delete from jobs where queue = 'b'`
    const second = await writeAgo('0 seconds')
    const [{ before }] = await world.sql<[{ before: string }]>`
      select ${second}::text::timestamptz - interval '1 microsecond' as before`
    await add('e', 'c', 4)
    return { first, before, second }
  }

  const asked = (at: string, query = '') => past(`at=${encodeURIComponent(at)}${query}`)

  it('answers the counts of the last moment at or before the asked one', async () => {
    await until('the hour does not end at once', async () => {
      const [hour] = await world.sql<[{ goes_on: boolean }]>`
        select date_trunc('hour', now(), 'UTC') = date_trunc('hour', now() + interval '10 seconds', 'UTC') as goes_on`
      return hour.goes_on
    })
    const { first, before, second } = await writeTwo('0 seconds')
    const a = { ...group, domain: 'd', queue: 'a', queued: 3, as_of: first }
    expect(await asked(first)).toEqual([a, { ...group, domain: 'd', queue: 'b', queued: 1, as_of: first }])
    expect(await asked(before, '&queue=a')).toEqual([a])
    expect(await asked(second, '&domain=d')).toEqual([
      { ...group, domain: 'd', queue: 'a', queued: 5, as_of: second },
      { ...group, domain: 'd', queue: 'b', queued: 0, as_of: second },
    ])
    expect(await asked(second, '&domain=e')).toEqual([])
  })

  it('answers the groups that have jobs from the first moment of an hour on', async () => {
    const { first, before, second } = await writeTwo('1 hour')
    const a = { ...group, domain: 'd', queue: 'a', queued: 3, as_of: first }
    expect(await asked(before)).toEqual([a, { ...group, domain: 'd', queue: 'b', queued: 1, as_of: first }])
    expect(await asked(second)).toEqual([{ ...group, domain: 'd', queue: 'a', queued: 5, as_of: second }])
  })

  it('has the same depths at the beginning of each step of a history, for one queue and in all', async () => {
    await world.clear()
    await add('d', 'a', 3)
    await add('e', 'b', 1)
    const first = await writeAgo('130 seconds')
    await add('d', 'a', 2)
    const second = await writeAgo('1 second')
    const read = async (query: string) => {
      const { status, body } = await world.call('GET', `${history.path}?depth=true&step=1m&from=${first}${query}`)
      expect(status, JSON.stringify(body)).toBe(200)
      const { points } = history.output.parse(body)
      return points.flatMap(({ depth }) => (depth ? [[depth.as_of, depth.queued]] : []))
    }
    expect(await read('')).toEqual([
      [first, 4],
      [second, 6],
    ])
    expect(await read('&domain=d&queue=a')).toEqual([
      [first, 3],
      [second, 5],
    ])
    expect(await read('&domain=e')).toEqual([
      [first, 1],
      [second, 1],
    ])
    expect(await read('&domain=none')).toEqual([
      [first, 0],
      [second, 0],
    ])
    const { body } = await world.call('GET', history.path)
    expect(history.output.parse(body).points[0]).not.toHaveProperty('depth')
  })

  it('tells why nothing is known, and then has lower bounds', async () => {
    await world.clear()
    await add('d', 'a', 2)
    await world.sql`alter table jobs disable trigger user`
    await world.sql`
      update jobs set created_at = now() - interval '1 day', updated_at = now() - interval '1 day'
      where id = (select min(id) from jobs)`
    await world.sql`alter table jobs enable trigger user`
    await until('the counts are exact', async () => (await countsOf(world)).kept)
    const bounds = { domain: 'd', queue: 'a', job_type: 't', queued: 1, scheduled: 0, processing: 0, quarantined: 0 }
    const hourAgo = new Date(Date.now() - 3_600_000).toISOString()
    expect(await past(`at=${hourAgo}`)).toEqual([
      { ...bounds, at_least: 'no server has written the depths of queues yet' },
    ])
    await writeAgo('30 minutes')
    expect(await past(`at=${hourAgo}`)).toEqual([
      { ...bounds, at_least: expect.stringContaining('the first depths that are kept are of ') },
    ])
    await world.clear()
    await add('d', 'a', 1)
    await writeAgo('3 hours')
    expect(await past(`at=${hourAgo}`)).toEqual([
      { ...bounds, queued: 0, at_least: expect.stringMatching(/^no depths were written from .* on: no server ran/) },
    ])
  })

  it('writes nothing while the counts cannot be trusted', async () => {
    await world.clear()
    await add('d', 'a', 1)
    await world.sql`alter table jobs disable trigger jobsctl_count_insert`
    expect(await writeDepths(world.sql)).toBe(false)
    expect(await world.sql`select from jobsctl_depth_groups`).toHaveLength(0)
    await world.sql`alter table jobs enable trigger jobsctl_count_insert`
    await until('the counts are exact', async () => (await countsOf(world)).kept)
  })

  it('refuses a moment to come, and a time without its zone', async () => {
    const ahead = new Date(Date.now() + 600_000).toISOString()
    for (const [at, why] of [
      [ahead, 'is yet to come'],
      ['2026-01-31T12:00:00', 'must be a time such as'],
    ]) {
      const answer = await world.call('GET', `${stats.path}?at=${at}`)
      expect(answer).toMatchObject({ status: 422 })
      expect(JSON.stringify(answer.body)).toContain(why)
    }
  })

  it('forgets moments ahead of a clock that was set back, and then writes every group', async () => {
    await world.clear()
    await add('d', 'a', 1)
    await writeAgo('2 minutes')
    await writeAgo('-20 minutes')
    await add('d', 'a', 1)
    await writeAgo('0 seconds')
    const moments = await world.sql`
      select moment > now() as ahead, moment.queued::int, count(depths)::int as rows
      from jobsctl_depth_moments as moment left join jobsctl_depths as depths using (moment)
      group by moment, moment.queued order by moment`
    expect(moments).toEqual([
      { ahead: false, queued: 1, rows: 1 },
      { ahead: false, queued: 2, rows: 1 },
    ])
  })

  it('keeps minutes for 7 days and hours for 90, and answers rightly between', async () => {
    await world.clear()
    const [{ hour }] = await world.sql<[{ hour: string }]>`select date_trunc('hour', now(), 'UTC') as hour`
    for (const [n, age] of ['92 days', '8 days', '8 days -1 minutes', '2 days', '2 days -1 minutes'].entries()) {
      await add('d', 'a', 1)
      await writeAgo('0 seconds')
      // The first moments of each pair are those of an hour.
      await world.sql`
        with newest as (select max(moment) as moment from jobsctl_depth_moments),
        moved as (
          update jobsctl_depths
          set whole = ${n !== 2 && n !== 4}, moment = ${hour}::text::timestamptz - ${age}::interval
          where moment = (select moment from newest)
        )
        update jobsctl_depth_moments
        set whole = ${n !== 2 && n !== 4}, moment = ${hour}::text::timestamptz - ${age}::interval
        where moment = (select moment from newest)`
    }
    expect((await deleteExpiredHistory(world.sql, () => false)).isDone).toBe(true)
    const kept = await world.sql`
      select queued::int, whole, (select count(*)::int from jobsctl_depths where moment = kept.moment) as rows
      from jobsctl_depth_moments as kept order by moment`
    expect(kept).toEqual([
      { queued: 2, whole: true, rows: 1 },
      { queued: 4, whole: true, rows: 1 },
      { queued: 5, whole: false, rows: 1 },
    ])
    const [{ at }] = await world.sql<[{ at: string }]>`
      select ${hour}::text::timestamptz - interval '8 days -10 minutes' as at`
    expect(await past(`at=${at}`)).toMatchObject([{ queued: 2 }])
  })
})

describe.each(kinds)('the depths of queues for a token with a scope on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openScopedWorld(kind)
    await until('the counts are exact', async () => (await countsOf(world)).kept)
    await stopWritingDepths(world.sql)
  })
  afterAll(() => world?.stop())

  it('are those within it, in sums, too', async () => {
    await world.sql`
      insert into jobs (domain, queue, job_type, status)
      select case when n < 4 then 'mine' else 'other' end, 'q', 't', 'queued' from generate_series(1, 10) n`
    expect(await writeDepths(world.sql)).toBe(true)
    const [{ at }] = await world.sql<[{ at: string }]>`select max(moment) as at from jobsctl_depth_moments`
    const mine = await asOperator(world, { domains: ['mine'] })
    const groups = await mine.call('GET', `${stats.path}?at=${at}`)
    expect(stats.output.parse(groups.body)).toMatchObject([{ domain: 'mine', queued: 3, as_of: at }])
    const { body } = await mine.call('GET', `${history.path}?depth=true&step=1m`)
    expect(history.output.parse(body).points.flatMap(({ depth }) => (depth ? [depth.queued] : []))).toEqual([3])
    const all = await world.call('GET', `${history.path}?depth=true&step=1m`)
    expect(history.output.parse(all.body).points.flatMap(({ depth }) => (depth ? [depth.queued] : []))).toEqual([10])
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kinds } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { insertRows } from '../../support/database/tables.ts'
import { listPath, walkPages } from '../../support/list.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(kinds)('the list of many jobs on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
    await world.sql`
      insert into jobs (domain, queue, job_type, status, priority, created_at, completed_at, owner_user_id)
      select 'd', 'q', 't', 'completed', 1 + n % 10, now() - n * interval '1 second', now(), case when n in (1, 55000) then 'rare' end
      from generate_series(1, 60000) as n`
  })
  afterAll(() => world?.stop())

  it.each(['created_at', 'completed_at', 'priority'])(
    'stops at its bound by %s, says so, and goes on from there',
    async (key) => {
      const pages = await walkPages(world, `owner_user_id=rare&sort_by=${key}`)
      expect(pages.forward.flat().toSorted((one, other) => one - other)).toEqual([1, 55_000])
      expect(pages.complete[0]).toBe('false')
      // 50,000 rows, or those of 200 ms.
      expect(pages.scanned.filter((scanned) => Number(scanned) > 50_000)).toEqual([])
      expect(pages.backward.toReversed().flat()).toEqual(pages.forward.slice(0, -1).flat())
    },
  )

  it.each(['ended_at', 'completed_at'])(
    'has the jobs of a state that lack the time by %s without reading the others, both ways',
    async (key) => {
      const states = ['queued', 'processing', 'failed', 'cancelled', 'queued,processing,quarantined']
      const created = ['2020-01-02', '2020-01-01', '2020-01-03']
      const row = { domain: 'd', queue: 'q', job_type: 'lacking' }
      for (const names of states) {
        const [status = ''] = names.split(',')
        const jobs = created.map((day) => ({ ...row, status, created_at: `${day}T00:00:00Z` }))
        const [second = 0, first = 0, third = 0] = await insertRows(world.sql, jobs)
        const [ended = 0] = await insertRows(world.sql, [{ ...row, status, completed_at: '2021-01-01T00:00:00Z' }])
        await world.sql`analyze jobs`
        for (const sort_order of ['asc', 'desc']) {
          const lacking = sort_order === 'asc' ? [first, second, third] : [third, second, first]
          const pages = await walkPages(world, `status=${names}&sort_by=${key}&sort_order=${sort_order}&limit=2`)
          expect(pages.forward).toEqual([[ended, ...lacking.slice(0, 1)], lacking.slice(1)])
          expect(pages.backward).toEqual([[ended, ...lacking.slice(0, 1)]])
          expect(pages.complete).toEqual(['true', 'true'])
          expect(pages.scanned.filter((scanned) => Number(scanned) > 4)).toEqual([])
        }
        await world.sql`delete from jobs where job_type = 'lacking'`
      }
    },
  )

  it('begins where the times of its filter begin', async () => {
    const { headers } = await world.call('GET', `${listPath}?limit=5&created_before=${ago(59_000)}`)
    expect(headers).toMatchObject({ 'x-scanned': '6', 'x-complete': 'true' })
  })

  it('reads only the rows of the page where nothing is filtered', async () => {
    const { headers } = await world.call('GET', `${listPath}?limit=50`)
    expect(headers).toMatchObject({ 'x-scanned': '51', 'x-complete': 'true' })
  })
})

describe.each(kinds)('the list of a cluster among long messages on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
    await world.sql`
      insert into jobs (domain, queue, job_type, status, priority, error_message, completed_at)
      select 'd', 'q', 't', 'failed', 1 + n % 10, case when n % 1400 = 5 then 'disk is full' else repeat('/a/b/c 0x1f ''q'' ', 60) || n end, now()
      from generate_series(1, 3000) as n`
  })
  afterAll(() => world?.stop())

  // The embedded database takes three times as long, and its statements are the same.
  it.each(kind === 'embedded' ? ['ended_at'] : ['created_at', 'ended_at', 'priority'])(
    'keeps what it found by %s where the time of a page is over, says so, and goes on from there',
    async (key) => {
      const [{ digits = '' } = {}] = await world.sql<{ digits: string }[]>`
        select left(encode(sha256(convert_to('failed' || chr(31) || chr(31) || 'disk is full', 'UTF8')), 'hex'), 12) as digits`
      const pages = await walkPages(world, `cluster=v2-${digits}&sort_by=${key}`)
      expect(pages.forward.flat().toSorted((one, other) => one - other)).toEqual([5, 1405, 2805])
      // A machine may read all rows within the time of one page; test/unit/server/scan-pace.test.ts has the times.
      expect(Number(pages.scanned[0])).toBeGreaterThan(0)
      expect(pages.complete[0]).toBe(String(Number(pages.scanned[0]) >= 3000))
      expect(pages.backward.toReversed().flat()).toEqual(pages.forward.slice(0, -1).flat())
    },
  )
})

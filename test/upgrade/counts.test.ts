import type { Sql } from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bodyOf, paths } from './support/answers.ts'
import { inBothOrders } from './support/old-build.ts'
import { expectStatsOfSql, insertJobs } from './support/rows.ts'
import { countsAreKept, countsOf } from './support/schema.ts'
import { openPair, type Pair, type Side } from './support/side-by-side.ts'
import { LeasedJobs } from './support/worker.ts'

const rounds = 12

inBothOrders(
  ({ one, other }) => `counts beside the ${one} server and the ${other} server`,
  ({ one, other }) => {
    let pair: Pair
    beforeAll(async () => {
      pair = await openPair({ one, other })
      await countsAreKept(pair.both)
    })
    afterAll(() => pair?.close())

    it('are exact at every comparison while both servers and a program with plain SQL write jobs', async () => {
      const { sql, both } = pair
      let writing = true
      const comparing = both.map(async (side) => {
        let compared = 0
        for (; writing; compared += 1) expect(await countsOf(side), side.build).toEqual({ kept: true, wrong: 0 })
        return compared
      })
      const written = Promise.all([...both.map(writeOverHttp), writeBySql(sql)]).finally(() => {
        writing = false
      })
      const [compared] = await Promise.all([Promise.all(comparing), written])
      expect(Math.min(...compared)).toBeGreaterThan(1)
      await expectStatsOfSql(sql, both)
      for (const side of both) expect(side.log(), side.build).not.toContain('have been set right')
    })

    it('follow a bulk change of one server on the other server at once', async () => {
      const { sql, one, other, both } = pair
      await insertJobs(sql, { n: 50, domain: 'old', status: 'quarantined' })
      for (const [changing, reading] of [
        [one, other],
        [other, one],
      ] as const) {
        await changing.change(paths.requeue, { domain: 'old' })
        await expectStatsOfSql(sql, [reading])
        await changing.change(paths.sweep, { domain: 'old', age_seconds: 60 })
        await expectStatsOfSql(sql, [reading])
        await insertJobs(sql, { n: 50, domain: 'old', status: 'quarantined' })
      }
      await expectStatsOfSql(sql, both)
      for (const side of both) expect(await countsOf(side)).toEqual({ kept: true, wrong: 0 })
    })

    it('hide no group whose jobs have all ended, whichever server has compared the counts last', async () => {
      const { sql, one, other, both } = pair
      for (const [comparing, last] of [
        [one, 'one'],
        [other, 'other'],
      ] as const) {
        await insertJobs(sql, { n: 2, domain: `ended before ${last}`, status: 'completed' })
        expect(await countsOf(comparing)).toEqual({ kept: true, wrong: 0 })
        await expectStatsOfSql(sql, both)
        await insertJobs(sql, { n: 2, domain: `ended after ${last}`, status: 'completed' })
        await sql`update jobs set queue = 'moved' where domain = ${`ended before ${last}`} and id % 2 = 0`
        await expectStatsOfSql(sql, both)
        await sql`delete from jobs where domain = ${`ended after ${last}`}`
        await expectStatsOfSql(sql, both)
      }
    })
  },
)

const hour = 3_600_000
const later = (hours: number) => new Date(Date.now() + hours * hour).toISOString()

/** Enqueues jobs that are due at once, in an hour and in two days, and finishes some in every way. */
async function writeOverHttp(side: Side): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const jobs = [undefined, undefined, undefined, undefined, later(1.5), later(49)].map((available_at) => ({
      ...{ domain: 'chatbooks', queue: round % 2 ? 'low' : 'default', job_type: 'export', payload: {} },
      ...(available_at && { available_at }),
    }))
    await side.post(paths.batch, { jobs })
    const request = { domain: 'chatbooks', worker_id: side.build, limit: 4 }
    const leased = bodyOf(LeasedJobs, await side.post(paths.acquire, request)).jobs
    const actions = ['complete', 'fail', 'release'] as const
    await Promise.all(
      leased.map(({ id, lease_id }, at) => {
        const action = actions[at]
        if (!action) return undefined
        const held = { worker_id: side.build, lease_id }
        return side.post(
          paths.job(id, action),
          action === 'fail' ? { ...held, error: 'it broke', backoff_seconds: 3600 } : held,
        )
      }),
    )
  }
}

/** Writes jobs as a program that knows no server does, and deletes some. */
async function writeBySql(sql: Sql): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await insertJobs(sql, { n: 5, status: 'queued', queue: 'low' })
    await insertJobs(sql, { n: 5, status: 'quarantined', domain: 'media' })
    await sql`
      update jobs set status = 'processing', lease_id = 'x', worker_id = 'x', leased_until = now() + interval '1 day'
      where id in (select id from jobs where status = 'queued' and queue = 'low' limit 2 for update skip locked)`
    await sql`
      update jobs set available_at = now() + interval '30 hours'
      where id in (select id from jobs where status = 'queued' limit 1 for update skip locked)`
    await sql`
      delete from jobs
      where id in (select id from jobs where status in ('queued', 'quarantined') limit 2 for update skip locked)`
  }
}

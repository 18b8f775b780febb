import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { until } from '../support/poll.ts'
import { codeOf, paths } from './support/answers.ts'
import { inBothOrders } from './support/old-build.ts'
import { clear } from './support/rows.ts'
import { openPair, type Pair, type Side } from './support/side-by-side.ts'
import { acquire, acquireOne, enqueue, heldBy } from './support/worker.ts'

inBothOrders(
  ({ one }) => `a job that a worker leases at the ${one} server`,
  ({ one, other }) => {
    let pair: Pair
    beforeAll(async () => {
      pair = await openPair({ one, other })
    })
    afterAll(() => pair?.close())
    beforeEach(() => clear(pair.sql))

    it.each([
      { action: 'complete', fields: { result: { pages: 2 } }, status: 'completed' },
      { action: 'fail', fields: { error: 'it broke', error_code: 'timeout' }, status: 'queued' },
      { action: 'fail', fields: { error: 'it broke', retryable: false }, status: 'failed' },
      { action: 'release', fields: {}, status: 'queued' },
    ] as const)(`is renewed and ended at the ${other} server: $action, then $status`, async (end) => {
      const { sql, one, other } = pair
      const { id } = await enqueue(other)
      const job = await acquireOne(one)
      expect(job.id).toBe(id)
      expect(await acquire(other)).toEqual([])
      const renewed = await other.post(paths.job(id, 'renew'), {
        ...heldBy(job),
        lease_seconds: 600,
        progress_percent: 50,
      })
      expect(renewed).toMatchObject({ status: 200, body: { cancel_requested: false } })
      const ended = await other.post(paths.job(id, end.action), { ...heldBy(job), ...end.fields })
      expect(ended).toMatchObject({ status: 200, body: { id, status: end.status } })
      expect(codeOf(await one.post(paths.job(id, 'renew'), heldBy(job)))).toBe('409 lease_lost')
      expect([...(await sql`select status, progress_percent from jobs`)]).toEqual([
        { status: end.status, progress_percent: 50 },
      ])
    })

    it(`is taken back by the ${other} server when its lease has run out, and counts as a failed attempt`, async () => {
      const { sql, one, other } = pair
      await enqueue(one)
      const lost = await acquireOne(one)
      await sql`update jobs set leased_until = now() - interval '1 second'`
      const job = await acquireOne(other, { wait_seconds: 20 })
      expect(job).toMatchObject({ id: lost.id, retry_count: 1 })
      expect(codeOf(await one.post(paths.job(lost.id, 'complete'), heldBy(lost)))).toBe('409 lease_lost')
      expect(await other.post(paths.job(job.id, 'complete'), heldBy(job))).toMatchObject({ status: 200 })
    })

    it(`is quarantined by the last of the same failures, which the servers count together`, async () => {
      const { one, other } = pair
      const { id } = await enqueue(one, { max_retries: 10 })
      const states: unknown[] = []
      for (const [leasing, failing] of [
        [one, other],
        [other, one],
        [one, other],
      ] as const) {
        const job = await acquireOne(leasing, { wait_seconds: 20 })
        const failure = { ...heldBy(job), error: 'it broke', error_code: 'timeout', backoff_seconds: 0 }
        const { body } = await failing.post(paths.job(id, 'fail'), failure)
        states.push(Reflect.get(Object(body), 'status'))
      }
      expect(states).toEqual(['queued', 'queued', 'quarantined'])
    })

    it('is quarantined after as many failures as it says by the new build, and as the setting says by the old one', async () => {
      const [old, now] = pair.one.build === 'new' ? [pair.other, pair.one] : [pair.one, pair.other]
      const failAt = async (side: Side) => {
        const job = await acquireOne(old, { wait_seconds: 20 })
        const failure = { ...heldBy(job), error: 'it broke', error_code: 'timeout', backoff_seconds: 0 }
        return Reflect.get(Object((await side.post(paths.job(job.id, 'fail'), failure)).body), 'status')
      }
      await enqueue(now, { max_retries: 10, quarantine_threshold: 5 })
      expect([await failAt(now), await failAt(now), await failAt(now), await failAt(old)]).toEqual([
        ...['queued', 'queued', 'queued', 'quarantined'],
      ])
      await clear(pair.sql)
      await enqueue(now, { max_retries: 10, quarantine_threshold: 2 })
      expect([await failAt(old), await failAt(now)]).toEqual(['queued', 'quarantined'])
    })

    it(`makes a job due that waits for it, when it is completed at the ${other} server`, async () => {
      const { one, other } = pair
      const needed = await enqueue(one)
      const waiting = await enqueue(other, { depends_on: [needed.uuid] })
      const job = await acquireOne(one, { limit: 10 })
      expect(await acquire(one)).toEqual([])
      await other.post(paths.job(job.id, 'complete'), heldBy(job))
      expect(await acquire(one)).toMatchObject([{ id: waiting.id }])
    })

    it(`is not given while the ${other} server has paused the queue`, async () => {
      const { one, other } = pair
      await enqueue(one)
      const queue = { domain: 'chatbooks', queue: 'default' }
      expect((await other.post(paths.queueControl, { ...queue, action: 'pause' })).status).toBe(200)
      expect(await acquire(one)).toEqual([])
      expect((await other.post(paths.queueControl, { ...queue, action: 'resume' })).status).toBe(200)
      expect(await acquire(one)).toHaveLength(1)
    })

    it(`is announced by the ${other} server in words that the ${one} server reads, so that held calls wake up`, async () => {
      const { sql, both } = pair
      const heard: string[] = []
      const { unlisten } = await sql.listen('jobsctl_work', (notice) => void heard.push(notice))
      for (const side of both) await enqueue(side)
      const [held] = await Promise.all([
        acquire(pair.one, { queue: 'late', wait_seconds: 20 }),
        enqueue(pair.other, { queue: 'late' }),
      ])
      expect(held).toHaveLength(1)
      await until('all notices are heard', () => heard.length >= 3)
      await unlisten()
      expect(heard.map((notice) => JSON.parse(notice))).toEqual([
        [['chatbooks', 'default']],
        [['chatbooks', 'default']],
        [['chatbooks', 'late']],
      ])
    })
  },
)

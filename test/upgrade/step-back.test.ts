import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { paths, resultOf } from './support/answers.ts'
import { besideEach } from './support/old-build.ts'
import { clear, everything, expectStatsOfSql, insertJobs } from './support/rows.ts'
import { countsAreKept } from './support/schema.ts'
import { type Ground, openGround, type Side } from './support/side-by-side.ts'
import { acquire, acquireOne, enqueue, heldBy } from './support/worker.ts'

besideEach(
  (old) => `a step back from the new server to a server of ${old}`,
  (old) => {
    let ground: Ground
    let before: Side
    beforeAll(async () => {
      ground = await openGround()
      before = await ground.start(old)
      await before.ready()
    })
    afterAll(() => ground?.close())
    beforeEach(() => clear(ground.sql))

    const startNew = async (): Promise<Side> => {
      const side = await ground.start('new')
      await side.ready()
      return side
    }

    it('leaves a server that ran all the time alone with jobs, leases, records and counts that are right', async () => {
      const { sql } = ground
      const next = await startNew()
      await countsAreKept([before, next])
      await insertJobs(sql, { n: 6 })
      const finished = await everything(sql)
      const pruned = resultOf(await next.change(paths.prune, { domain: 'chatbooks' }))
      await enqueue(next, { queue: 'work' })
      const needed = await enqueue(next, { queue: 'work', priority: 1 })
      const waiting = await enqueue(next, { queue: 'work', depends_on: [needed.uuid] })
      const job = await acquireOne(next, { queue: 'work' })
      expect((await next.stop()).code).toBe(0)

      await countsAreKept([before])
      await expectStatsOfSql(sql, [before])
      expect(await before.post(paths.job(job.id, 'complete'), heldBy(job))).toMatchObject({ status: 200 })
      const due = await acquire(before, { queue: 'work', limit: 10 })
      expect(due.map(({ id }) => id)).toContain(waiting.id)
      for (const one of due) await before.post(paths.job(one.id, 'complete'), heldBy(one))
      await expectStatsOfSql(sql, [before])
      await sql`delete from job_dependencies where job_uuid = ${waiting.uuid}`
      await sql`delete from jobs where queue = 'work'`
      expect(resultOf(await before.change(paths.undo(pruned.operation), {})).affected).toBe(6)
      expect(await everything(sql)).toEqual(finished)
      expect((await before.get(paths.verify)).body).toMatchObject({ ok: true, operations: 2 })
      expect(before.log()).not.toContain('have been set right')
    })

    it('lets an old server start again, and undo and verify on its own', async () => {
      const { sql } = ground
      const next = await startNew()
      await insertJobs(sql, { n: 6 })
      const pruned = resultOf(await next.change(paths.prune, {}))
      await Promise.all([next.stop(), before.stop()])
      before = await ground.start(old)
      await before.ready()
      await countsAreKept([before])
      expect(resultOf(await before.change(paths.undo(pruned.operation), {})).affected).toBe(6)
      await insertJobs(sql, { n: 2, status: 'queued' })
      await expectStatsOfSql(sql, [before])
      const run = await ground.jobsctl(old, before, ['operations', 'verify'])
      expect(run).toMatchObject({ code: 0, err: '' })
      expect(before.log()).not.toMatch(/"level":"(?:error|fatal)"/)
    })
  },
)

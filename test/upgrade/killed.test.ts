import { afterAll, beforeAll, expect, it } from 'vitest'
import { closeGate } from '../support/gate.ts'
import { until } from '../support/poll.ts'
import { paths, resultOf } from './support/answers.ts'
import { inBothOrders } from './support/old-build.ts'
import { countJobs, everything, insertJobs, readRecords } from './support/rows.ts'
import { openPair, type Pair } from './support/side-by-side.ts'

inBothOrders(
  ({ one }) => `a prune in which the ${one} server is killed`,
  ({ one, other }) => {
    let pair: Pair
    beforeAll(async () => {
      pair = await openPair({ one, other })
    })
    afterAll(() => pair?.close())

    /** PostgreSQL notices the death of its client when the statement is over; here PostgreSQL gets a signal at once. */
    async function endSessionAtGate(): Promise<void> {
      const { sql } = pair
      const sessions = await sql<{ pid: number }[]>`
      select pid, pg_terminate_backend(pid) as ended from pg_stat_activity
      where datname = current_database() and application_name like 'gate%'`
      const pids = sessions.map(({ pid }) => pid)
      await until('the session of the dead server has ended', async () => {
        const { count } = await sql`select from pg_stat_activity where pid = any(${pids}::int[])`
        return count === 0
      })
    }

    it(`has its record closed and sealed by the ${other} server, which does the rest`, async () => {
      const { sql, one, other } = pair
      await insertJobs(sql, { n: 20 })
      const before = await everything(sql)
      const gate = await closeGate(sql, 'after delete on jobs for each row')
      const broken = one.change(paths.prune, { domain: 'chatbooks' }).catch((error: unknown) => error)
      await gate.reached(broken)
      await one.kill()
      expect(await broken).toBeInstanceOf(Error)
      await endSessionAtGate()
      await gate.open()
      expect(await everything(sql)).toEqual(before)
      // As if the ten seconds were over after which a server without a sign of life counts as dead.
      await sql`update job_operations set touched_at = touched_at - interval '1 minute' where state = 'running'`

      const pruned = resultOf(await other.change(paths.prune, { domain: 'chatbooks' }))
      expect(pruned.affected).toBe(20)
      expect(await countJobs(sql)).toBe(0)
      expect(await readRecords(sql)).toMatchObject([
        { kind: 'prune', state: 'failed', affected: 0 },
        { kind: 'prune', state: 'done', affected: 20 },
      ])

      const again = await pair.start(one.build)
      await again.ready()
      for (const side of [again, other]) {
        expect((await side.get(paths.verify)).body, side.build).toMatchObject({ ok: true, operations: 2 })
      }
      expect(resultOf(await again.change(paths.undo(pruned.operation), {})).affected).toBe(20)
      expect(await everything(sql)).toEqual(before)
    })
  },
)

import { afterEach, expect, it } from 'vitest'
import { closeGateOfTables } from '../support/gate.ts'
import { paths } from './support/answers.ts'
import { type Build, besideEach, ordersOf } from './support/old-build.ts'
import { everything, expectStatsOfSql, insertJobs } from './support/rows.ts'
import { catalogOf, countsAreKept, triggersOf, untilHistoryIsKept } from './support/schema.ts'
import { type Ground, openGround, type Side } from './support/side-by-side.ts'

besideEach(
  (old) => `a server of ${old} and one of the new build, on one database`,
  (old) => {
    const orders = ordersOf(old)
    const grounds: Ground[] = []
    afterEach(() => Promise.all(grounds.splice(0).map((ground) => ground.close())))

    const emptyGround = async (overrides: Record<string, string> = {}) => {
      const ground = await openGround(overrides)
      grounds.push(ground)
      return ground
    }
    const startReady = async (ground: Ground, build: Build): Promise<Side> => {
      const side = await ground.start(build)
      await side.ready()
      return side
    }

    it('are both ready when they start at the same moment on an empty database', async () => {
      const ground = await emptyGround()
      const sides = await Promise.all([startReady(ground, old), startReady(ground, 'new')])
      await insertJobs(ground.sql, { n: 3, status: 'queued' })
      await expectStatsOfSql(ground.sql, sides)
    })

    it('hold the same advisory lock while they migrate', async () => {
      const locksOf = async (build: Build) => {
        const ground = await emptyGround()
        const gate = await closeGateOfTables(ground.sql)
        const side = await ground.start(build)
        const ready = side.ready()
        await gate.reached(ready)
        const locks = await ground.sql`
        select classid, objid, objsubid, mode
        from pg_locks
        join pg_database on pg_database.oid = database
        where locktype = 'advisory' and datname = current_database()`
        await gate.open()
        await ready
        return [...locks]
      }
      const [ofOld, ofNew] = await Promise.all([locksOf(old), locksOf('new')])
      expect(ofOld).toHaveLength(1)
      expect(ofNew).toEqual(ofOld)
    })

    it.each(orders)(
      '$other goes on alone with the jobs and records of a database that $one has made',
      async ({ one, other }) => {
        const ground = await emptyGround()
        const { sql } = ground
        const first = await startReady(ground, one)
        await insertJobs(sql, { n: 5 })
        await insertJobs(sql, { n: 2, status: 'queued' })
        await first.change(paths.requeue, { domain: 'chatbooks' }, { 'idempotency-key': 'k' })
        const before = await everything(sql)
        expect((await first.stop()).code).toBe(0)

        const second = await startReady(ground, other)
        expect(await everything(sql)).toEqual(before)
        await expectStatsOfSql(sql, [second])
        expect((await second.get(paths.verify)).body).toMatchObject({ ok: true, operations: 1 })
        expect((await second.stop()).code).toBe(0)
      },
    )

    it('make the same tables, whichever starts first, and leave the triggers alone that the other made', {
      timeout: 120_000,
    }, async () => {
      const catalogs = orders.map(async ({ one, other }) => {
        // A database that the old server makes has no history until somebody turns it on.
        const ground = await emptyGround({ JOBS_HISTORY: 'on' })
        await countsAreKept([await startReady(ground, one)])
        const [joined] = await countsAreKept([await startReady(ground, other)])
        await untilHistoryIsKept(ground)
        const triggers = await triggersOf(ground.sql)
        await countsAreKept([await startReady(ground, one)])
        expect(await triggersOf(ground.sql), `after another start of the ${one} server`).toEqual(triggers)
        expect(joined?.log()).not.toContain('have been set right')
        return catalogOf(ground.sql)
      })
      const [oldFirst, newFirst] = await Promise.all(catalogs)
      expect(newFirst).toEqual(oldFirst)
    })
  },
)

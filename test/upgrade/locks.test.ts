import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { closeGate, endedOr } from '../support/gate.ts'
import { paths, resultOf } from './support/answers.ts'
import { inBothOrders } from './support/old-build.ts'
import { clear, countJobs, everything, expectStatsOfSql, insertJobs, readRecords, statsOf } from './support/rows.ts'
import { countsAreKept, countsOf, untilCountsRest } from './support/schema.ts'
import { openPair, type Pair } from './support/side-by-side.ts'

inBothOrders(
  ({ one, other }) => `the ${one} server and the ${other} server keep out of each other`,
  ({ one, other }) => {
    let pair: Pair
    beforeAll(async () => {
      pair = await openPair({ one, other })
      await countsAreKept(pair.both)
    })
    afterAll(() => pair?.close())
    beforeEach(() => clear(pair.sql))

    const verified = async () =>
      Promise.all(pair.both.map(async (side) => (await side.get(paths.verify)).body)).then((bodies) =>
        expect(bodies).toMatchObject([{ ok: true }, { ok: true }]),
      )

    it('in a prune: what overlaps is refused while it runs, and what does not overlap runs', async () => {
      const { sql, one, other } = pair
      await insertJobs(sql, { n: 4 })
      await insertJobs(sql, { n: 2, domain: 'media' })
      const gate = await closeGate(
        sql,
        `after delete on jobs for each row when (old.domain = 'chatbooks' and old.queue = 'default')`,
      )
      const running = one.change(paths.prune, { domain: 'chatbooks' })
      await gate.reached(running)
      const [record] = await readRecords(sql)
      for (const scope of [{}, { domain: 'chatbooks' }, { queue: 'default' }, { job_type: 'export' }]) {
        expect(await other.change(paths.prune, scope), JSON.stringify(scope)).toMatchObject({
          status: 409,
          body: { code: 'conflict', detail: expect.stringContaining(`operation ${record?.id} of single-user`) },
        })
      }
      expect(resultOf(await other.change(paths.prune, { domain: 'media' })).affected).toBe(2)
      await gate.open()
      expect(resultOf(await running).affected).toBe(4)
      expect(resultOf(await other.change(paths.prune, {})).affected).toBe(0)
      expect(await readRecords(sql)).toMatchObject([
        { kind: 'prune', state: 'done', affected: 4 },
        { kind: 'prune', state: 'done', affected: 2 },
      ])
      await verified()
    })

    it('in the moment in which a prune begins, so that two of the same scope never run', async () => {
      const { sql, one, other } = pair
      await insertJobs(sql, { n: 4 })
      const beginning = await closeGate(sql, `after insert on job_operations for each row when (new.reason = 'first')`)
      const deleting = await closeGate(sql, 'after delete on jobs for each row')
      const first = one.change(paths.prune, { domain: 'chatbooks' }, { 'x-reason': 'first' })
      await beginning.reached(first)
      const second = other.change(paths.prune, { domain: 'chatbooks' }, { 'x-reason': 'second' })
      await beginning.blocked(second)
      await beginning.open()
      await endedOr('a second prune has begun', second, async () => (await readRecords(sql)).length > 1)
      await deleting.open()
      expect(await second).toMatchObject({ status: 409, body: { code: 'conflict' } })
      expect(resultOf(await first).affected).toBe(4)
      expect(await readRecords(sql)).toMatchObject([{ state: 'done', affected: 4 }])
      await verified()
    })

    it('in the moment in which a record is sealed, so that the hash chain has one record after the other', async () => {
      const { sql, one, other } = pair
      await insertJobs(sql, { n: 2 })
      await insertJobs(sql, { n: 3, domain: 'media' })
      // The first record of a day makes the row of the day, for which a second server would wait in any case.
      await one.change(paths.prune, { domain: 'nothing' }, { 'idempotency-key': 'the first of the day' })
      const gate = await closeGate(
        sql,
        `after update on job_operations for each row
        when (old.hash is null and new.hash is not null and new.domain = 'chatbooks')`,
      )
      const first = one.change(paths.prune, { domain: 'chatbooks' })
      await gate.reached(first)
      const second = other.change(paths.prune, { domain: 'media' })
      await gate.blocked(second)
      await gate.open()
      expect([resultOf(await first).affected, resultOf(await second).affected]).toEqual([2, 3])
      await verified()
    })

    it('in the moment in which counts are compared with the jobs, so that a fault is mended once', async () => {
      const { sql, one, other } = pair
      await insertJobs(sql, { n: 20, status: 'queued' })
      await untilCountsRest(pair)
      // The servers compare by themselves a minute after the last comparison, which is this one.
      expect(await countsOf(one)).toEqual({ kept: true, wrong: 0 })
      // As an operator who edits the counts by mistake: no trigger sees it.
      await sql`update jobsctl_counts set queued = queued + 5 where domain = 'chatbooks' and span = ''`
      expect(await statsOf(other)).toMatchObject([{ queued: 25 }])
      const gate = await closeGate(sql, 'after insert or update on jobsctl_counts for each row')
      const first = countsOf(one)
      await gate.reached(first)
      const second = countsOf(other)
      await gate.blocked(second)
      await gate.open()
      expect((await first).wrong + (await second).wrong).toBe(5)
      await expectStatsOfSql(sql, pair.both)
    })

    it('in the moment in which two undos give back the two ends of an edge, so that the edge is there again', async () => {
      const { sql, one, other } = pair
      await sql`
      alter table job_dependencies
        add foreign key (job_uuid) references jobs (uuid) on delete cascade,
        add foreign key (depends_on_job_uuid) references jobs (uuid) on delete cascade`
      await insertJobs(sql, { n: 2 })
      await insertJobs(sql, { n: 2, domain: 'media' })
      await sql`
      insert into job_dependencies (job_uuid, depends_on_job_uuid)
      select a.uuid, b.uuid from jobs a cross join jobs b where a.domain = 'chatbooks' and b.domain = 'media'`
      const before = await everything(sql)
      const { operation: ofOne } = resultOf(await other.change(paths.prune, { domain: 'chatbooks' }))
      const { operation: ofOther } = resultOf(await one.change(paths.prune, { domain: 'media' }))
      expect(await countJobs(sql)).toBe(0)
      const gate = await closeGate(sql, `after insert on jobs for each row when (new.domain = 'chatbooks')`)
      const first = one.change(paths.undo(ofOne), {})
      await gate.reached(first)
      const second = other.change(paths.undo(ofOther), {})
      await gate.blocked(second)
      await gate.open()
      expect([resultOf(await first).affected, resultOf(await second).affected]).toEqual([2, 2])
      expect(await everything(sql)).toEqual(before)
      await verified()
    })
  },
)

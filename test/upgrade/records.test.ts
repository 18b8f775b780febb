import { afterAll, beforeAll, expect, it } from 'vitest'
import { paths, resultOf } from './support/answers.ts'
import { type Build, inBothOrders } from './support/old-build.ts'
import { insertJobs, readRecords } from './support/rows.ts'
import { openPair, type Pair, type Side } from './support/side-by-side.ts'

inBothOrders(
  ({ one, other }) => `records that the ${one} server and the ${other} server made by turns`,
  ({ old, one, other }) => {
    const builds: Build[] = [old, 'new']
    let pair: Pair
    beforeAll(async () => {
      pair = await openPair({ one, other })
      for (const [first, second] of [pair.both, [pair.other, pair.one]] as const) await changeByTurns(first, second)
      await undoInParts()
    })
    afterAll(() => pair?.close())

    /** A record of each kind, one of no jobs and one that failed, by both servers. */
    async function changeByTurns(first: Side, second: Side): Promise<void> {
      const { sql } = pair
      await insertJobs(sql, { n: 3 })
      await insertJobs(sql, { n: 3, status: 'queued' })
      await insertJobs(sql, { n: 3, status: 'quarantined' })
      const reason = { 'x-reason': 'nightly "clean-up" \\ 100 %' }
      const pruned = resultOf(await first.change(paths.prune, { domain: 'chatbooks' }, reason))
      await second.change(paths.sweep, { domain: 'chatbooks', age_seconds: 60, action: 'fail' }, reason)
      await first.change(paths.requeue, { domain: 'chatbooks' })
      await sql`update jobs set lease_id = 'left' where status = 'queued'`
      await second.change(paths.integrity, { fix: true }, reason)
      await first.change(paths.prune, { domain: 'nothing' }, { 'idempotency-key': `nothing by ${first.build}` })
      await second.change(paths.undo(pruned.operation), {}, reason)
      await first.change(paths.prune, { max: 1 }, { 'idempotency-key': `too many by ${first.build}` })
      for (const [side, action] of [
        [first, 'pause'],
        [second, 'resume'],
      ] as const)
        await side.post(paths.queueControl, { domain: 'chatbooks', queue: 'default', action }, reason)
    }

    /** Prunes of the old server, of which the new one gives back a part, and either server the rest. */
    async function undoInParts(): Promise<void> {
      const { sql, both } = pair
      for (const rest of both) {
        for (const queue of ['low', 'high']) await insertJobs(sql, { n: 3, domain: rest.build, queue })
        const byOld = both.find(({ build }) => build === old) ?? rest
        const byNew = both.find(({ build }) => build === 'new') ?? rest
        const pruned = resultOf(await byOld.change(paths.prune, { domain: rest.build }))
        const part = resultOf(await byNew.change(paths.undo(pruned.operation), { queue: 'low' }))
        const whole = resultOf(await rest.change(paths.undo(pruned.operation), {}))
        expect([part.affected, whole.affected]).toEqual([3, 3])
      }
    }

    /** How `jobsctl operations verify` of each build ends on each server. */
    const verdicts = async () => {
      const runs = builds.flatMap((build) =>
        pair.both.map(async (side) => ({ build, at: side.build, ...(await verify(build, side)) })),
      )
      return Promise.all(runs)
    }
    const verify = (build: Build, side: Side) => pair.jobsctl(build, side, ['operations', 'verify'])

    it('are found as they were sealed by jobsctl of either build on either server', async () => {
      const records = await readRecords(pair.sql)
      expect(new Set(records.map(({ kind }) => kind))).toEqual(
        new Set(['prune', 'sweep', 'requeue', 'integrity', 'undo', 'queue.paused', 'queue.resumed']),
      )
      expect(records.length).toBeGreaterThanOrEqual(12)
      const sentence = expect.stringContaining(`${records.length} operations on `)
      for (const verdict of await verdicts()) expect(verdict).toMatchObject({ code: 0, out: sentence, err: '' })
    })

    it('of acts are listed by jobsctl of either build on either server, and no server undoes one', async () => {
      const acts = (await readRecords(pair.sql)).filter(({ kind }) => kind.startsWith('queue.'))
      // Version 0.1.0 stops a queue without a record.
      const recorded = ['queue.paused', 'queue.resumed'].flatMap((kind) => (old === '0.1.0' ? [kind] : [kind, kind]))
      expect(acts.map(({ kind }) => kind).toSorted()).toEqual(recorded)
      for (const side of pair.both) {
        for (const build of builds) {
          const listed = await pair.jobsctl(build, side, ['operations', '--limit', '100'])
          expect(listed).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/queue\.paused\tdone/) })
        }
        for (const { id } of acts) expect((await side.change(paths.undo(id), {})).status).toBe(409)
      }
    })

    it('are found altered by jobsctl of either build on either server, whoever made the record', async () => {
      const { sql, both } = pair
      const records = await readRecords(sql)
      const [first, second] = [records[0], records[1]]
      for (const record of [first, second]) {
        const id = record?.id ?? 0
        await sql`update job_operations set affected = affected + 1 where id = ${id}`
        for (const verdict of await verdicts()) {
          expect(verdict, `record ${id}`).toMatchObject({
            code: 1,
            err: expect.stringMatching(/not as they were sealed|were altered or removed/),
          })
          expect(verdict.out.split('\t').at(-1)?.split(' ').map(Number)).toContain(id)
        }
        await sql`update job_operations set affected = affected - 1 where id = ${id}`
      }
      for (const side of both) expect((await side.get(paths.verify)).body).toMatchObject({ ok: true })
    })

    it('are found missing by jobsctl of either build on either server', async () => {
      await pair.sql`delete from job_operations where id = (select min(id) from job_operations)`
      for (const verdict of await verdicts()) expect(verdict).toMatchObject({ code: 1 })
    })
  },
)

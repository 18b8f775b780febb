import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { paths, previewOf, resultOf } from './support/answers.ts'
import { inBothOrders } from './support/old-build.ts'
import { clear, countJobs, everything, insertJobs, readRecords } from './support/rows.ts'
import { openPair, type Pair } from './support/side-by-side.ts'

inBothOrders(
  ({ one, other }) => `an operation of the ${one} server is undone by the ${other} server`,
  ({ one, other }) => {
    let pair: Pair
    beforeAll(async () => {
      pair = await openPair({ one, other })
      await pair.sql`alter table jobs add column of_another_program numeric default 0.10`
    })
    afterAll(() => pair?.close())
    beforeEach(() => clear(pair.sql))

    const verified = async () => {
      for (const side of pair.both) expect((await side.get(paths.verify)).body, side.build).toMatchObject({ ok: true })
    }

    it('a prune: rows, attachments and edges are as before, and both servers say who undid it', async () => {
      const { sql, one, other, both } = pair
      await insertJobs(sql, { n: 30 })
      await insertJobs(sql, { n: 5, status: 'failed' })
      await insertJobs(sql, { n: 2, domain: 'media' })
      const before = await everything(sql)
      const pruned = resultOf(await one.change(paths.prune, { domain: 'chatbooks' }))
      expect(pruned.affected).toBe(35)
      expect(await countJobs(sql)).toBe(2)
      for (const side of both) {
        const { body } = await side.get(paths.operation(pruned.operation))
        expect(body, side.build).toMatchObject({ state: 'done', affected: 35, now: { archived: 35 } })
      }

      expect(previewOf(await other.post(paths.undo(pruned.operation), { dry_run: true })).count).toBe(35)
      const undone = resultOf(await other.change(paths.undo(pruned.operation), {}))
      expect(undone).toMatchObject({ affected: 35, conflicts: 0 })
      expect(await everything(sql)).toEqual(before)
      for (const side of both) {
        const { body } = await side.get(paths.operation(pruned.operation))
        expect(body, side.build).toMatchObject({ state: 'undone', undone_by: undone.operation })
      }
      await verified()
    })

    it('a prune that cannot be undone as a whole: the rest follows on the first server', async () => {
      const { sql, one, other } = pair
      const [first = 0] = await insertJobs(sql, { n: 3 })
      const before = await everything(sql)
      const { operation } = resultOf(await one.change(paths.prune, {}))
      await sql`
      insert into jobs (id, uuid, domain, queue, job_type, status) overriding system value
      values (${first}::bigint, 'other', 'media', 'default', 'export', 'queued')`
      expect(resultOf(await other.change(paths.undo(operation), {}))).toMatchObject({ affected: 2, conflicts: 1 })
      await sql`delete from jobs where uuid = 'other'`
      expect(resultOf(await one.change(paths.undo(operation), {}))).toMatchObject({ affected: 1, conflicts: 0 })
      expect(await everything(sql)).toEqual(before)
      await verified()
    })

    it.each([
      { kind: 'sweep', path: paths.sweep, body: { domain: 'chatbooks', age_seconds: 60 }, status: 'queued' },
      { kind: 'requeue', path: paths.requeue, body: { domain: 'chatbooks' }, status: 'quarantined' },
    ] as const)('a $kind: every job has the columns again that it had', async ({ kind, path, body, status }) => {
      const { sql, one, other } = pair
      await insertJobs(sql, { n: 10, status })
      // A trigger says when a job was changed last, and that was the undo.
      const before = await everything(sql, 'updated_at')
      const changed = resultOf(await one.change(path, body))
      expect(changed.affected).toBe(10)
      expect((await everything(sql, 'updated_at')).jobs).not.toEqual(before.jobs)
      expect(resultOf(await other.change(paths.undo(changed.operation), {}))).toMatchObject({
        affected: 10,
        conflicts: 0,
      })
      expect(await everything(sql, 'updated_at')).toEqual(before)
      expect(await readRecords(sql)).toMatchObject([
        { kind, state: 'undone' },
        { kind: 'undo', affected: 10 },
      ])
      await verified()
    })
  },
)

import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import * as z from 'zod'
import { closeGate } from '../support/gate.ts'
import { codeOf, paths, resultOf } from './support/answers.ts'
import { inBothOrders } from './support/old-build.ts'
import { clear, countJobs, insertJobs, readRecords } from './support/rows.ts'
import { openPair, type Pair } from './support/side-by-side.ts'
import { acquireOne, enqueue, heldBy } from './support/worker.ts'

inBothOrders(
  ({ one }) => `a request that the ${one} server has carried out`,
  ({ one, other }) => {
    let pair: Pair
    beforeAll(async () => {
      pair = await openPair({ one, other })
    })
    afterAll(() => pair?.close())
    beforeEach(() => clear(pair.sql))

    const key = { 'idempotency-key': 'nightly-2026-11-25' }

    it.each([
      { kind: 'prune', path: paths.prune, body: { domain: 'chatbooks' }, status: 'completed' },
      { kind: 'sweep', path: paths.sweep, body: { domain: 'chatbooks', age_seconds: 60 }, status: 'queued' },
      { kind: 'requeue', path: paths.requeue, body: { domain: 'chatbooks' }, status: 'quarantined' },
    ] as const)(`is answered again by the ${other} server, and not made twice: a $kind`, async (change) => {
      const { sql, one, other } = pair
      const { path, body, status } = change
      await insertJobs(sql, { n: 6, status })
      const first = await one.change(path, body, key)
      expect(resultOf(first).affected).toBe(6)
      await insertJobs(sql, { n: 1, status })
      const again = await other.change(path, body, key)
      expect(resultOf(again)).toEqual(resultOf(first))
      // A server leaves out the fields of a stored answer that it does not know.
      expect(first.body).toMatchObject(Object(again.body))
      expect(await readRecords(sql)).toMatchObject([{ kind: change.kind, affected: 6 }])
      expect(codeOf(await other.change(path, { ...body, queue: 'low' }, key))).toBe('409 conflict')
    })

    it(`is refused by the ${other} server while the first call still runs`, async () => {
      const { sql, one, other } = pair
      await insertJobs(sql, { n: 3 })
      const gate = await closeGate(sql, 'after delete on jobs for each row')
      const first = one.change(paths.prune, {}, key)
      await gate.reached(first)
      expect(codeOf(await other.change(paths.prune, {}, key))).toBe('409 conflict')
      await gate.open()
      expect(resultOf(await first).affected).toBe(3)
      expect((await other.change(paths.prune, {}, key)).body).toEqual((await first).body)
      expect(await readRecords(sql)).toHaveLength(1)
    })

    it(`is answered again by the ${other} server, and not made twice: an undo, and a prune that found nothing`, async () => {
      const { sql, one, other } = pair
      const empty = await one.change(paths.prune, {}, { 'idempotency-key': 'empty' })
      await insertJobs(sql, { n: 3 })
      expect((await other.change(paths.prune, {}, { 'idempotency-key': 'empty' })).body).toEqual(empty.body)
      const { operation } = resultOf(await other.change(paths.prune, {}))
      const first = await one.change(paths.undo(operation), {}, key)
      const again = z
        .looseObject({ affected: z.literal(3) })
        .parse((await other.change(paths.undo(operation), {}, key)).body)
      expect(first.body).toMatchObject(again) // a server of version 0.1.0 does not tell the hold
      expect(await countJobs(sql)).toBe(3)
      expect(await readRecords(sql)).toMatchObject([{ affected: 0 }, { kind: 'prune' }, { kind: 'undo', affected: 3 }])
    })

    it(`is known to the ${other} server: a job by its key, and a finish by its completion token`, async () => {
      const { sql, one, other } = pair
      const fields = { domain: 'chatbooks', job_type: 'export', payload: {}, idempotency_key: 'invoice 17' }
      const { id } = await enqueue(one, fields)
      expect(await other.post(paths.jobs, fields)).toMatchObject({ status: 200, body: { id, created: false } })

      const finish = { ...heldBy(await acquireOne(other)), completion_token: 't', result: { pages: 2 } }
      const finished = await one.post(paths.job(id, 'complete'), finish)
      expect(finished).toMatchObject({ status: 200, body: { status: 'completed' } })
      expect((await other.post(paths.job(id, 'complete'), finish)).body).toEqual(finished.body)
      const steps = await sql`select event_type from job_events order by id`
      expect(steps.map(({ event_type }) => event_type)).toEqual(['job.created', 'job.acquired', 'job.completed'])
    })
  },
)

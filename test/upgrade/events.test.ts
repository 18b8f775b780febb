import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { closeGate } from '../support/gate.ts'
import { until } from '../support/poll.ts'
import { readStream } from '../support/streams/event-reader.ts'
import { bodyOf, paths } from './support/answers.ts'
import { inBothOrders } from './support/old-build.ts'
import { insertJobs } from './support/rows.ts'
import { openPair, type Pair, type Side } from './support/side-by-side.ts'
import { acquireOne, enqueue, heldBy } from './support/worker.ts'

const Events = z.array(z.object({ id: z.number() }))

/** The ids of events after a cursor, at most `limit`. */
const idsAfter = async (side: Side, cursor: number, limit = 1000): Promise<number[]> =>
  bodyOf(Events, await side.get(`${paths.events}?after_id=${cursor}&limit=${limit}`)).map(({ id }) => id)

inBothOrders(
  ({ one, other }) => `events of the ${one} server and the ${other} server`,
  ({ one, other }) => {
    let pair: Pair
    beforeAll(async () => {
      pair = await openPair({ one, other })
    })
    afterAll(() => pair?.close())

    const idsInDatabase = async () =>
      (await pair.sql<{ id: number }[]>`select id::int from job_events order by id`).map(({ id }) => id)

    /** Enqueues, finishes and prunes jobs, so that each server and a program with plain SQL write events. */
    async function write(side: Side): Promise<void> {
      const { sql } = pair
      const queue = side.build
      for (let n = 0; n < 12; n += 1) {
        await enqueue(side, { queue })
        const job = await acquireOne(side, { queue })
        await side.post(paths.job(job.id, 'complete'), heldBy(job))
        await sql`insert into job_events (event_type, domain) values ('of.another.program', 'chatbooks')`
      }
      await insertJobs(sql, { n: 5, domain: side.build })
      await side.change(paths.prune, { domain: side.build })
    }

    /** Reads page after page, each from the other server than the page before, until `isOver` and nothing is left. */
    async function readPages(isOver: () => boolean): Promise<number[]> {
      const ids: number[] = []
      for (let turn = 0, last = false; ; turn += 1) {
        const over = isOver()
        const page = await idsAfter(turn % 2 ? pair.one : pair.other, ids.at(-1) ?? 0, 7)
        ids.push(...page)
        if (page.length > 0) continue
        if (last) return ids
        last = over
      }
    }

    it('come once and in one order: by a cursor that changes servers, and by the stream of each', async () => {
      const { both } = pair
      const streams = await Promise.all(both.map((side) => readStream(side)))
      let writing = true
      const paging = readPages(() => !writing)
      await Promise.all(both.map(write)).finally(() => {
        writing = false
      })
      const ids = await idsInDatabase()
      expect(ids.length).toBeGreaterThan(2 * 12 * 4)
      expect(await paging).toEqual(ids)
      for (const [at, stream] of streams.entries()) {
        await until(`stream ${at} has all events`, () => (stream.ids.at(-1) ?? 0) >= (ids.at(-1) ?? 0))
        expect(stream.events.map(({ id }) => id)).toEqual(ids)
        stream.stop()
      }
    })

    it('go on at the other server after the Last-Event-ID of a stream that broke off', async () => {
      const { one, other } = pair
      await write(one)
      const ids = await idsInDatabase()
      const cut = ids[Math.floor(ids.length / 2)] ?? 0
      const stream = await readStream(other, '', { 'last-event-id': String(cut) })
      const rest = ids.filter((id) => id > cut)
      await stream.count(rest.length)
      expect(stream.events.map(({ id }) => id)).toEqual(rest)
      stream.stop()
    })

    it('wait for an event of the other server that has a lower id and is not committed yet', async () => {
      const { sql, one, other, both } = pair
      const [cursor = 0] = (await idsInDatabase()).slice(-1)
      const gate = await closeGate(sql, `after insert on job_events for each row when (new.queue = 'slow')`)
      const slow = enqueue(one, { queue: 'slow' })
      await gate.reached(slow)
      await enqueue(other, { queue: 'quick' })
      expect(await Promise.all(both.map((side) => idsAfter(side, cursor)))).toEqual([[], []])
      await gate.open()
      await slow
      const events = await sql<{ id: number; queue: string }[]>`
      select id::int, queue from job_events where id > ${cursor} order by id`
      expect(events.map(({ queue }) => queue)).toEqual(['slow', 'quick'])
      for (const side of both) expect(await idsAfter(side, cursor), side.build).toEqual(events.map(({ id }) => id))
    })
  },
)

import { afterAll, beforeAll, expect, it } from 'vitest'
import { Accepted } from '../../shared/changes/bulk-change.ts'
import { until } from '../support/poll.ts'
import { paths, resultOf } from './support/answers.ts'
import { besideEach } from './support/old-build.ts'
import { countJobs, insertJobs, readRecords } from './support/rows.ts'
import { openPair, type Pair, type Side } from './support/side-by-side.ts'

const jobs = 60
/** Batches of 8 jobs, two a second. */
const slow = { domain: 'chatbooks', rate: 16 }

besideEach(
  (old) => `a change without its caller beside a server of version ${old}`,
  (old) => {
    let pair: Pair
    beforeAll(async () => {
      pair = await openPair({ one: old, other: 'new' })
    })
    afterAll(() => pair?.close())

    /** Starts a prune that goes on without its caller, and waits for its first batch. */
    async function begun(at: Side): Promise<number> {
      const { status, body } = await at.change(paths.prune, slow, { prefer: 'respond-async' })
      expect(status).toBe(202)
      await until('a batch is done', async () => (await countJobs(pair.sql)) < jobs)
      return Accepted.parse(body).operation_id
    }
    const recordOf = async (id: number) => (await readRecords(pair.sql)).find((record) => Number(record.id) === id)
    const endOf = (id: number) =>
      until('the operation has ended', async () => {
        const record = await recordOf(id)
        return record?.state === 'running' ? undefined : record
      })

    it('goes on at another newer server, and the old one leaves its record open', async () => {
      const { sql, other } = pair
      await insertJobs(sql, { n: jobs })
      const third = await pair.start('new')
      await third.ready()
      const id = await begun(third)
      await third.kill()
      expect(await endOf(id)).toMatchObject({ state: 'done', affected: jobs })
      expect(await countJobs(sql)).toBe(0)
      expect((await other.get(paths.verify)).body).toMatchObject({ ok: true })
    })

    it('ends where the old server is the last one, and no newer server changes a job after that', async () => {
      const { sql, one, other } = pair
      await insertJobs(sql, { n: jobs })
      const id = await begun(other)
      await other.kill()
      const closed = await endOf(id)
      expect(closed).toMatchObject({ state: 'partial', affected: expect.any(Number) })
      const left = await countJobs(sql)
      expect(left).toBe(jobs - Number(closed?.affected))
      const again = await pair.start('new')
      await again.ready()
      const rest = resultOf(await again.change(paths.prune, { domain: 'chatbooks' }))
      expect(rest.affected).toBe(left)
      expect(await recordOf(id)).toEqual(closed)
      for (const side of [one, again]) expect((await side.get(paths.verify)).body).toMatchObject({ ok: true })
      expect(resultOf(await again.change(paths.undo(id), {})).affected).toBe(jobs - left)
    })

    it('is made while its caller waits where the old server takes it', async () => {
      const { sql, one } = pair
      await sql`truncate jobs`
      await insertJobs(sql, { n: 5 })
      const answer = await one.change(paths.prune, { domain: 'chatbooks' }, { prefer: 'respond-async' })
      expect(answer).toMatchObject({ status: 200, body: { deleted: 5 } })
    })
  },
  ['0.1.0'],
)

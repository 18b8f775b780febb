import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { Accepted } from '../../shared/changes/bulk-change.ts'
import { rowsWith } from '../support/database/rows-with.ts'
import { until } from '../support/poll.ts'
import { bodyOf, codeOf, paths, previewOf, resultOf } from './support/answers.ts'
import { besideEach } from './support/old-build.ts'
import { clear, countJobs, insertJobs, readRecords } from './support/rows.ts'
import { openPair, type Pair, type Side } from './support/side-by-side.ts'

const holdsPath = '/api/v1/jobs/holds'
const erasePath = '/api/v1/jobs/erase'
const chatbooks = { domain: 'chatbooks' }
const value = 'ann.lee+7@example.test'
const hers = { owner_user_id: value }
const Held = z.object({ id: z.number() })

besideEach(
  (old) => `beside a server of version ${old}`,
  (old) => {
    let pair: Pair
    beforeAll(async () => {
      pair = await openPair({ one: old, other: 'new' })
    })
    afterAll(() => pair?.close())
    beforeEach(async () => {
      await pair.sql`delete from jobsctl_holds`
      await clear(pair.sql)
    })

    const verified = async () => {
      for (const side of pair.both) expect((await side.get(paths.verify)).body, side.build).toMatchObject({ ok: true })
    }

    describe('holds', () => {
      const until7 = () => new Date(Date.now() + 7 * 86_400_000).toISOString()
      const hold = async (subject: object): Promise<number> => {
        const answer = await pair.other.change(holdsPath, { ...subject, until: until7() }, { 'x-reason': 'case 7' })
        return bodyOf(Held, answer).id
      }

      it('are passed over by the new server, and not by the old one, whose prune the new one can take back', async () => {
        const { sql, one, other } = pair
        await insertJobs(sql, { n: 4 })
        await hold(chatbooks)
        expect(resultOf(await other.change(paths.prune, chatbooks)).affected).toBe(0)
        expect(previewOf(await one.post(paths.prune, { ...chatbooks, dry_run: true })).count).toBe(4)
        const pruned = resultOf(await one.change(paths.prune, chatbooks))
        expect(pruned.affected).toBe(4)
        expect(await countJobs(sql)).toBe(0)
        expect(resultOf(await other.change(paths.undo(pruned.operation), {})).affected).toBe(4)
        expect(await countJobs(sql)).toBe(4)
        await verified()
      })

      it('do not keep the old server from a sweep of held jobs', async () => {
        const { sql, one, other } = pair
        await insertJobs(sql, { n: 3, status: 'queued' })
        await hold(chatbooks)
        const sweep = { ...chatbooks, age_seconds: 60, action: 'cancel' }
        expect(resultOf(await other.change(paths.sweep, sweep)).affected).toBe(0)
        expect(resultOf(await one.change(paths.sweep, sweep)).affected).toBe(3)
      })

      it('come of an undo of the new server alone: what the old one gives back the next prune takes again', async () => {
        const { sql, one, other } = pair
        await insertJobs(sql, { n: 2 })
        for (const { side, taken } of [
          { side: one, taken: 2 },
          { side: other, taken: 0 },
        ]) {
          const pruned = resultOf(await one.change(paths.prune, chatbooks))
          expect(resultOf(await side.change(paths.undo(pruned.operation), {})).affected).toBe(2)
          const again = resultOf(await other.change(paths.prune, chatbooks))
          expect(again.affected, side.build).toBe(taken)
          if (again.affected > 0) await one.change(paths.undo(again.operation), {})
        }
      })

      it('are no call of the old server, which says so and changes nothing', async () => {
        const { sql, one } = pair
        const id = await hold(chatbooks)
        const answers = [
          await one.get(holdsPath),
          await one.change(holdsPath, { ...chatbooks, until: until7() }),
          await one.change(`${holdsPath}/${id}/remove`, {}),
        ]
        expect(answers.map(codeOf)).toEqual(['404 not_found', '404 not_found', '404 not_found'])
        expect(await pair.jobsctl('new', one, ['hold', 'list'])).toMatchObject({ code: 5, out: '' })
        expect(await sql`select from jobsctl_holds`).toHaveLength(1)
      })
    })

    describe('an erasure', () => {
      const jobsOfHers = async (n: number, fields: { queue?: string } = {}) => {
        const ids = await insertJobs(pair.sql, { n, ...fields })
        await pair.sql`
        update jobs set owner_user_id = ${value}, error_message = ${value} where id = any(${ids.map(String)}::text[]::bigint[])`
        return ids
      }
      const erase = async (side: Side, headers = {}) => side.change(erasePath, hers, headers)

      it('takes what the old server has archived, and the old one gives back only the rest', async () => {
        const { sql, one, other } = pair
        const mine = await jobsOfHers(3)
        const rest = await insertJobs(sql, { n: 2 })
        const pruned = resultOf(await one.change(paths.prune, chatbooks))
        expect(pruned.affected).toBe(5)
        expect(resultOf(await erase(other)).affected).toBe(3)
        expect(await rowsWith(sql, value)).toEqual([])
        expect(resultOf(await one.change(paths.undo(pruned.operation), {}))).toMatchObject({ affected: 2 })
        const left = await sql<{ id: number }[]>`select id::int from jobs order by id`
        expect(left.map(({ id }) => id)).toEqual(rest)
        expect(left.some(({ id }) => mine.includes(id))).toBe(false)
        await verified()
      })

      it('is listed and verified by the old server, which cannot make one, nor take one back', async () => {
        const { sql, one, other } = pair
        await jobsOfHers(2)
        expect(codeOf(await erase(one))).toBe('404 not_found')
        expect(await countJobs(sql)).toBe(2)
        const { operation } = resultOf(await erase(other))
        expect((await one.get(paths.operation(operation))).body).toMatchObject({
          kind: 'erase',
          state: 'done',
          affected: 2,
        })
        for (const build of [old, 'new'] as const) {
          const listed = await pair.jobsctl(build, one, ['operations'])
          expect(listed).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/erase\t.*done/) })
        }
        expect((await one.get(`${paths.events}?limit=100`)).status).toBe(200)
        expect(codeOf(await one.change(paths.undo(operation), {}))).toMatch(/^409 /)
        await verified()
      })

      it('without its caller ends where the old server is the last one, and the new one forgets its request', async () => {
        const { sql, one } = pair
        await jobsOfHers(60)
        const third = await pair.start('new')
        await third.ready()
        await pair.other.stop()
        const begun = await third.change(erasePath, { ...hers, rate: 16 }, { prefer: 'respond-async' })
        const { operation_id: id } = bodyOf(Accepted, begun)
        await until('a batch is done', async () => (await countJobs(sql)) < 60)
        await third.kill()
        const closed = await until('the old server has closed the record', async () =>
          (await readRecords(sql)).find((record) => record.id === id && record.state !== 'running'),
        )
        expect(closed).toMatchObject({ state: 'partial' })
        expect(await countJobs(sql)).toBe(60 - closed.affected)
        const again = await pair.start('new')
        await again.ready()
        expect(resultOf(await erase(again)).affected).toBe(60 - closed.affected)
        await until('nothing has the value', async () => (await rowsWith(sql, value)).length === 0)
        for (const side of [one, again]) expect((await side.get(paths.verify)).body).toMatchObject({ ok: true })
      })
    })
  },
  ['0.1.0'],
)

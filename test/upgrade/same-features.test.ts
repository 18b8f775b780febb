import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import * as z from 'zod'
import { Accepted } from '../../shared/changes/bulk-change.ts'
import { Policy } from '../../shared/policy/policy.ts'
import { pruning } from '../support/changes/policy.ts'
import { rowsWith } from '../support/database/rows-with.ts'
import { until } from '../support/poll.ts'
import { bodyOf, codeOf, paths, resultOf } from './support/answers.ts'
import { besideEach } from './support/old-build.ts'
import { clear, countJobs, insertJobs, readRecords } from './support/rows.ts'
import { openPair, type Pair, type Side } from './support/side-by-side.ts'

const holds = '/api/v1/jobs/holds'
const policy = '/api/v1/jobs/policy'
const chatbooks = { domain: 'chatbooks' }

/** What version 0.1.0 does not have: it means the same on servers of each later build. */
besideEach(
  (old) => `what a server of ${old} has as well`,
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

    const inTurns = (): [Side, Side][] => [
      [pair.one, pair.other],
      [pair.other, pair.one],
    ]
    const verified = async () => {
      for (const side of pair.both) expect((await side.get(paths.verify)).body, side.build).toMatchObject({ ok: true })
    }

    it('a hold of one server keeps jobs from a prune of the other', async () => {
      await insertJobs(pair.sql, { n: 4 })
      const until7 = new Date(Date.now() + 7 * 86_400_000).toISOString()
      for (const [holding, pruning] of inTurns()) {
        const held = await holding.change(holds, { ...chatbooks, until: until7 }, { 'x-reason': 'case 7' })
        const { id } = bodyOf(z.object({ id: z.number() }), held)
        expect(resultOf(await pruning.change(paths.prune, chatbooks)).affected, pruning.build).toBe(0)
        expect((await pruning.change(`${holds}/${id}/remove`, {})).status).toBe(200)
      }
      expect(resultOf(await pair.other.change(paths.prune, chatbooks)).affected).toBe(4)
      await verified()
    })

    it('an erasure of one server takes what the other has archived', async () => {
      const value = 'ann.lee+7@example.test'
      for (const [pruning, erasing] of inTurns()) {
        const ids = await insertJobs(pair.sql, { n: 3 })
        await pair.sql`update jobs set owner_user_id = ${value} where id = any(${ids.map(String)}::text[]::bigint[])`
        expect(resultOf(await pruning.change(paths.prune, chatbooks)).affected).toBe(3)
        const erased = await erasing.change('/api/v1/jobs/erase', { owner_user_id: value })
        expect(resultOf(erased).affected, erasing.build).toBe(3)
        expect(await rowsWith(pair.sql, value)).toEqual([])
      }
      await verified()
    })

    it('a freeze that either build makes refuses the changes of both', async () => {
      await insertJobs(pair.sql, { n: 2 })
      for (const build of [old, 'new'] as const) {
        expect((await pair.command(build, ['freeze', '--reason', 'a restore'])).code).toBe(0)
        for (const side of pair.both)
          expect(codeOf(await side.change(paths.prune, chatbooks)), side.build).toBe('403 frozen')
        expect((await pair.command(build === 'new' ? old : 'new', ['thaw'])).code).toBe(0)
      }
      expect(await countJobs(pair.sql)).toBe(2)
    })

    it('a rule of the policy that falls due is run by one of the two servers', async () => {
      await insertJobs(pair.sql, { n: 6 })
      expect((await pair.one.change(policy, { rules: [pruning()], revision: 0 })).status).toBe(200)
      await pair.sql`update jobsctl_policy_rules set next_at = now()`
      const last = await until('the rule has run', async () => {
        const { rules } = Policy.parse((await pair.other.get(policy)).body)
        return rules[0]?.last?.ended_at == null ? undefined : rules[0].last
      })
      expect(last).toMatchObject({ state: 'done', matched: 6, affected: 6 })
      expect(await readRecords(pair.sql)).toMatchObject([{ kind: 'policy.applied' }, { kind: 'prune', affected: 6 }])
      await verified()
    })

    it('a change without its caller is finished by the other server', async () => {
      for (const build of [old, 'new'] as const) {
        await clear(pair.sql)
        await insertJobs(pair.sql, { n: 60 })
        const begins = build === 'new' ? pair.other : pair.one
        // Batches of 8 jobs, two a second.
        const begun = await begins.change(paths.prune, { ...chatbooks, rate: 16 }, { prefer: 'respond-async' })
        const { operation_id } = bodyOf(Accepted, begun)
        await until('a batch is done', async () => (await countJobs(pair.sql)) < 60)
        await begins.kill()
        const ended = await until('the operation has ended', async () => {
          const record = (await readRecords(pair.sql)).find(({ id }) => id === operation_id)
          return record?.state === 'running' ? undefined : record
        })
        expect(ended, `begun by ${build}`).toMatchObject({ state: 'done', affected: 60 })
        const again = await pair.start(build)
        await again.ready()
        pair = { ...pair, ...(build === 'new' ? { other: again } : { one: again }) }
        pair = { ...pair, both: [pair.one, pair.other] }
      }
      await verified()
    })
  },
  ['0.2.0'],
)

import { afterAll, beforeAll, expect, it } from 'vitest'
import { Policy } from '../../shared/policy/policy.ts'
import { pruning } from '../support/changes/policy.ts'
import { until } from '../support/poll.ts'
import { paths, resultOf } from './support/answers.ts'
import { besideEach } from './support/old-build.ts'
import { countJobs, insertJobs } from './support/rows.ts'
import { openPair, type Pair } from './support/side-by-side.ts'

besideEach(
  (old) => `a policy beside a server of version ${old}`,
  (old) => {
    let pair: Pair
    beforeAll(async () => {
      pair = await openPair({ one: old, other: 'new' })
    })
    afterAll(() => pair?.close())

    it('is run by the new server alone, and its run is listed, verified and undone by both', async () => {
      const { sql, one, other } = pair
      await insertJobs(sql, { n: 6 })
      expect((await other.change('/api/v1/jobs/policy', { rules: [pruning({ max: 4 })], revision: 0 })).status).toBe(
        200,
      )
      await sql`update jobsctl_policy_rules set next_at = now()`
      const last = await until('the rule has run', async () => {
        const { rules } = Policy.parse((await other.get('/api/v1/jobs/policy')).body)
        return rules[0]?.last?.ended_at == null ? undefined : rules[0].last
      })
      expect(last).toMatchObject({ state: 'done', matched: 6, affected: 4, left: 2 })
      const operation = last.operation_id ?? 0
      for (const side of pair.both) {
        const record = {
          kind: 'prune',
          state: 'done',
          affected: 4,
          reason: 'policy finished',
          filters: { policy: 'finished' },
        }
        expect((await side.get(paths.operation(operation))).body, side.build).toMatchObject(record)
        expect((await side.get(paths.verify)).body, side.build).toMatchObject({ ok: true })
      }
      expect(resultOf(await one.change(paths.undo(operation), {})).affected).toBe(4)
      expect(await countJobs(sql)).toBe(6)
      expect((await one.get('/api/v1/jobs/policy')).status).toBeGreaterThanOrEqual(400)
    })

    it('is told as absent by a jobsctl that asks the old server', async () => {
      const shown = await pair.jobsctl('new', pair.one, ['policy', 'show'])
      expect(shown).toMatchObject({ code: 5, out: '' })
      const doctor = await pair.jobsctl('new', pair.one, ['doctor'])
      expect(doctor.out).toMatch(/policy\twarning\tthis server does not report it/)
    })
  },
  ['0.1.0'],
)

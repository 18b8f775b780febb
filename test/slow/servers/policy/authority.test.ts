import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bearer, idOf, makeToken } from '../../../support/access/tokens.ts'
import { clearAll } from '../../../support/changes/bulk-tools.ts'
import { makePeople, type People, planOf, planPath } from '../../../support/changes/plans.ts'
import { applyRules, endOfRun, makeDue, policyOf, pruning } from '../../../support/changes/policy.ts'
import { ago } from '../../../support/database/job-row.ts'
import { openWorld, type World } from '../../../support/world.ts'

const old = { status: 'completed', completed_at: ago(40 * 86_400) } as const

// Each of these tests waits several times for a look at the rules, every few seconds.
describe('the authority of the runs of a policy', () => {
  let world: World
  let people: People
  beforeAll(async () => {
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await clearAll(world)
    await world.sql`delete from jobsctl_plans`
    people = await makePeople(world.sql)
    await applyRules(world, [], people.boss)
    await world.post('/api/v1/jobs/approval', { above: null }, people.boss)
  })

  const runOf = async () => {
    const before = (await policyOf(world, people.boss)).rules.find(({ name }) => name === 'finished')
    await makeDue(world.sql, 'finished')
    return endOfRun(world, 'finished', before, people.boss)
  }

  it('ends with a right of the author of the policy, and the run says so', async () => {
    await world.jobs(1, old)
    const token = await makeToken(world.sql, 'boss', 'admin')
    await applyRules(world, [pruning()], bearer(token))
    const other = await makeToken(world.sql, 'other', 'admin')
    const asOther = bearer(other)
    const set = (action: string, body: object = {}) =>
      world.post(`/api/v1/tokens/${idOf(token)}/${action}`, body, asOther)
    for (const [lose, why] of [
      [() => set('role', { role: 'operator' }), 'lacks the right "govern"'],
      [() => set('suspend'), 'is suspended since'],
      [() => set('revoke'), 'was revoked at'],
    ] as const) {
      expect((await lose()).status).toBe(200)
      const before = await policyOf(world, asOther)
      expect(before.problem).toContain('no server runs a policy of the token boss')
      await makeDue(world.sql, 'finished')
      const last = await endOfRun(world, 'finished', before.rules[0], asOther)
      expect(last).toMatchObject({ state: 'refused', problem: expect.stringContaining(why), operation_id: null })
      expect(world.log.join('\n')).toContain('rule finished of the policy did not run')
      if (why.includes('lacks')) await set('role', { role: 'admin' })
      if (why.includes('suspended')) await set('resume')
    }
    expect(await world.count()).toBe(1)
    expect((await applyRules(world, [pruning()], asOther)).body).toMatchObject({ problem: null })
    await makeDue(world.sql, 'finished')
    const refused = (await policyOf(world, asOther)).rules[0]
    expect(await endOfRun(world, 'finished', refused, asOther)).toMatchObject({ state: 'done', affected: 1 })
  })

  it('is that of the author alone where a run is no larger than what one person may change', async () => {
    await world.jobs(5, old)
    await world.post('/api/v1/jobs/approval', { above: 3 }, people.boss)
    expect((await applyRules(world, [pruning({ max: 2 })], people.boss)).status).toBe(200)
    expect(await runOf()).toMatchObject({ state: 'done', affected: 2 })
    // Smaller runs are changes of the author, which together are no larger.
    expect(await runOf()).toMatchObject({ state: 'refused', problem: expect.stringContaining('needs the approval') })
    expect(await world.count()).toBe(3)
  })

  it('ends with the right of the approver of the plan, and comes back with it', async () => {
    await world.jobs(5, old)
    const { revision } = await policyOf(world, people.boss)
    const request = { rules: [pruning()], revision }
    const proposed = await world.post(
      planPath,
      { path: '/api/v1/jobs/policy', request },
      { ...people.boss, 'x-reason': 'the disk is full' },
    )
    const { id, digest } = planOf(proposed)
    expect((await world.post(`${planPath}/${id}/approve`, { digest }, people.ben)).status).toBe(200)
    expect((await world.confirm(`${planPath}/${id}/apply`, {}, people.boss)).status).toBe(200)
    await world.post('/api/v1/jobs/approval', { above: 3 }, people.boss)
    const setApprover = (approver: boolean) =>
      world.confirm(
        `/api/v1/tokens/${idOf(people.ben.authorization ?? '')}/role`,
        { role: 'operator', approver },
        people.boss,
      )
    await setApprover(false)
    expect(await runOf()).toMatchObject({ state: 'refused', problem: expect.stringContaining('needs the approval') })
    expect(await world.count()).toBe(5)
    await setApprover(true)
    expect(await runOf()).toMatchObject({ state: 'done', affected: 5 })
  })
})

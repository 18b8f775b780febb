import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bearer, makeToken } from '../../support/access/tokens.ts'
import { clearAll } from '../../support/changes/bulk-tools.ts'
import { makePeople, type People, planOf, planPath } from '../../support/changes/plans.ts'
import { applyRules, endOfRun, makeDue, policyOf, pruning } from '../../support/changes/policy.ts'
import { kinds } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const path = '/api/v1/jobs/policy'

describe.each(kinds)('the approval of a policy on %s', (kind) => {
  let world: World
  let people: People
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await clearAll(world)
    await world.sql`delete from jobsctl_plans`
    people = await makePeople(world.sql)
    await applyRules(world, [], people.boss)
    await world.post('/api/v1/jobs/approval', { above: 3 }, people.boss)
    await world.jobs(5, { status: 'completed', completed_at: ago(40 * 86_400) })
  })

  const propose = async (rules: object[], as: Record<string, string>) => {
    const { revision } = await policyOf(world, people.boss)
    return world.post(planPath, { path, request: { rules, revision } }, { ...as, 'x-reason': 'retention' })
  }
  const decide = (id: number, digest: string, as = people.ben, word = 'approve') =>
    world.post(`${planPath}/${id}/${word}`, { digest }, as)
  const apply = (id: number, as = people.boss, body = {}) => world.confirm(`${planPath}/${id}/apply`, body, as)
  const runOf = async (name = 'finished') => {
    const before = (await policyOf(world, people.boss)).rules.find((rule) => rule.name === name)
    await makeDue(world.sql, name)
    return endOfRun(world, name, before, people.boss)
  }

  it('is needed where a run may be larger than what one person may change', async () => {
    const refused = await applyRules(world, [pruning()], people.boss)
    expect(refused).toMatchObject({
      status: 403,
      body: {
        code: 'approval_required',
        detail: expect.stringContaining('a run of the rule finished may change 1,000 jobs'),
        hint: expect.stringContaining('--propose'),
      },
    })
    expect((await policyOf(world, people.boss)).rules).toEqual([])
    expect((await applyRules(world, [pruning({ mode: 'report' })], people.boss)).status).toBe(200)
    // Smaller runs are changes of the author, which together are no larger.
    expect((await applyRules(world, [pruning({ max: 2 })], people.boss)).status).toBe(200)
  })

  it('is given as a plan of kind policy by another principal, and its runs need none', async () => {
    const lacking = await propose([pruning()], people.ann)
    expect(lacking).toMatchObject({ status: 403, body: { detail: expect.stringContaining('"govern"') } })
    const plan = planOf(await propose([pruning()], people.boss))
    expect(plan).toMatchObject({ kind: 'policy', state: 'waiting', count: 5, still_matching: 5, path })
    expect(plan.preview).toMatchObject({ first_runs: [{ name: 'finished', matched: 5, would_change: 5 }] })
    expect(await apply(plan.id)).toMatchObject({ status: 403, body: { code: 'approval_required' } })
    const own = bearer(await makeToken(world.sql, 'boss', 'admin'))
    expect(await decide(plan.id, plan.digest, own)).toMatchObject({ status: 403 })
    expect(await decide(plan.id, plan.digest)).toMatchObject({ status: 200, body: { state: 'approved' } })
    expect(await apply(plan.id, people.ben)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect(await apply(plan.id, people.boss, { rest_token: 'x' })).toMatchObject({
      status: 422,
      body: { detail: expect.stringMatching(/^rest_token belongs to changes of jobs/) },
    })
    expect((await policyOf(world, people.boss)).rules).toEqual([])

    const key = { ...people.boss, 'idempotency-key': `apply ${plan.id}` }
    const applied = await apply(plan.id, key)
    expect(await apply(plan.id, key)).toMatchObject({ status: 200, body: applied.body })
    const foreign = planOf(await propose([pruning({ max: 7 })], people.boss))
    await decide(foreign.id, foreign.digest)
    expect(await apply(foreign.id, key)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('this Idempotency-Key belongs to another request') },
    })
    expect(applied).toMatchObject({ status: 200, body: { applied: { plan: plan.id, reason: 'retention' } } })
    expect(await apply(plan.id)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    const shown = await world.call('GET', `${planPath}/${plan.id}`, undefined, people.boss)
    const act = await world.sql<{ id: number; filters: object }[]>`
      select id, filters from job_operations where kind = 'policy.applied' order by id desc limit 1`
    expect(shown.body).toMatchObject({ state: 'applied', operation_id: act[0]?.id })
    expect(act[0]?.filters).toMatchObject({
      approval: { plan: plan.id },
      principal: { author: 'boss', approver: 'ben' },
    })

    // The plan is deleted after its term, and the policy goes on.
    await world.sql`delete from jobsctl_plans`
    const run = await runOf()
    expect(run).toMatchObject({ state: 'done', affected: 5, problem: null })
    const [record] = await world.sql<{ filters: object }[]>`
      select filters from job_operations where id = ${run.operation_id}::bigint`
    expect(record?.filters).toMatchObject({ policy: 'finished', approval: { plan: plan.id } })
    expect((await world.call('GET', '/api/v1/jobs/operations/verify', undefined, people.boss)).body).toMatchObject({
      ok: true,
    })
    const again = await applyRules(world, [pruning({ max: 4 })], people.boss)
    expect(again).toMatchObject({ status: 403, body: { code: 'approval_required' } })
  })

  it('is not used for another policy, nor after it was rejected, nor beside a policy that came first', async () => {
    const rejected = planOf(await propose([pruning()], people.boss))
    await decide(rejected.id, rejected.digest, people.ben, 'reject')
    expect(await apply(rejected.id)).toMatchObject({ status: 409 })
    const late = planOf(await propose([pruning()], people.boss))
    await decide(late.id, late.digest)
    expect((await applyRules(world, [pruning({ max: 1 })], people.boss)).status).toBe(200)
    expect(await apply(late.id)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('another policy is applied') },
    })
    expect((await policyOf(world, people.boss)).rules[0]?.rule.max).toBe(1)
    const shown = await world.call('GET', `${planPath}/${late.id}`, undefined, people.boss)
    expect(shown.body).toMatchObject({ state: 'approved', still_matching: null })
    expect(await propose([pruning({ max: 1 })], people.boss)).toMatchObject({ status: 409 })
  })

  it('is needed of changes that may meet the jobs of a rule with a lower number, and of no others', async () => {
    await world.post('/api/v1/jobs/approval', { above: null }, people.boss)
    const rule = pruning({ mode: 'report', approval_above: 4 })
    expect((await applyRules(world, [rule], people.boss)).status).toBe(200)
    await world.jobs(5, { domain: 'other', status: 'completed', completed_at: ago(40 * 86_400) })
    const prune = (scope: object) => world.confirm(paths.prune, scope, people.ann)
    const needed = { status: 403, body: { code: 'approval_required' } }
    expect(await prune({ domain: 'chatbooks' })).toMatchObject(needed)
    expect(await prune({})).toMatchObject(needed)
    expect(await prune({ domain: 'other' })).toMatchObject({ status: 200, body: { deleted: 5 } })
    // A rule that somebody has broken by hand has its number all the same.
    await world.sql`update jobsctl_policy_rules set rule = jsonb_set(rule::jsonb, '{domain}', '["chatbooks"]')::text`
    expect(await prune({ domain: 'chatbooks' })).toMatchObject(needed)
    expect(await applyRules(world, [{ ...rule, mode: 'apply', max: 5 }], people.boss)).toMatchObject(needed)
    expect((await applyRules(world, [], people.boss)).status).toBe(200)
    expect(await prune({ domain: 'chatbooks' })).toMatchObject({ status: 200, body: { deleted: 5 } })
  })

  it.each([
    ['no rules', {}],
    ['a rule of another form', { rules: [{ name: 'A' }], revision: 0 }],
    ['a dry run', { rules: [], revision: 0, dry_run: true }],
  ])('is not planned with %s', async (_, request) => {
    const answer = await world.post(planPath, { path, request }, { ...people.boss, 'x-reason': 'retention' })
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
  })
})

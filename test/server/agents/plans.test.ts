import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { keepCall } from '../../../server/auth/agents/agent-calls.ts'
import { setAgents } from '../../../server/auth/agents/switch.ts'
import { rotateToken } from '../../../server/auth/tokens.ts'
import type { WholePlan } from '../../../shared/plans/plans.ts'
import { makeAgent, openAgent, sessionPath } from '../../support/access/agents.ts'
import { openBrowser, samePage } from '../../support/access/browser.ts'
import { bearer, idOf } from '../../support/access/tokens.ts'
import { makePeople, type People, planOf, planPath } from '../../support/changes/plans.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

type Headers = Record<string, string>

const old = { status: 'completed', completed_at: '2020-01-01T00:00:00Z' }
const elsewhere = { status: 403, body: { code: 'decide_elsewhere' } }
const forbidden = { status: 403, body: { code: 'forbidden' } }
const Token = z.object({ token: z.string() })
const Made = z.object({ id: z.number() })

describe('plans of agents', () => {
  let world: World
  let people: People
  beforeAll(async () => {
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    await world.sql`delete from jobsctl_plans`
    await world.sql`delete from jobsctl_settings where name like 'approval_above%'`
    await setAgents(world.sql, true)
    people = await makePeople(world.sql)
    await world.jobs(4, { ...old, domain: 'a' })
  })

  const idBehind = (as: Headers) => idOf(as.authorization ?? '')
  const secretOf = (as: Headers) => (as.authorization ?? '').slice('Bearer '.length)
  const made = ({ body }: { body: unknown }): Headers => bearer(Token.parse(body).token)
  const ask = (as: Headers, request: object = { domain: 'a' }, path = paths.prune) =>
    world.post(planPath, { path, request }, { ...as, 'x-reason': 'approve me at once' })
  /** The plan that an agent makes, as people see it: the agent itself gets no reason. */
  const propose = async (as: Headers, request?: object): Promise<WholePlan> => {
    const answer = await ask(as, request)
    expect(answer).toMatchObject({ status: 201 })
    return show(Made.parse(answer.body), people.boss)
  }
  const decide = (what: 'approve' | 'reject', { id, digest }: Pick<WholePlan, 'id' | 'digest'>, as: Headers) =>
    world.post(`${planPath}/${id}/${what}`, { digest }, as)
  const apply = ({ id, digest }: Pick<WholePlan, 'id' | 'digest'>, as: Headers, more: Headers = {}) =>
    world.confirm(`${planPath}/${id}/apply`, { digest }, { ...as, ...more })
  const show = async ({ id }: Pick<WholePlan, 'id'>, as: Headers) =>
    planOf(await world.call('GET', `${planPath}/${id}`, undefined, as))
  const above = (jobs: number) => world.post('/api/v1/jobs/approval', { above: jobs }, people.boss)

  it('are applied by their person with another token, on record with the agent, and above the number once another principal approves', async () => {
    const { as, id: session } = await openAgent(world.url, people.ann, { name: 'desk-client', version: '1.2' })
    const before = await propose(as)
    expect(before).toMatchObject({
      ...{ state: 'waiting', author: idBehind(people.ann) },
      agent: { client: 'desk-client 1.2', session },
      evidence: [],
    })
    expect((await show(before, people.ben)).agent).toMatchObject({ name: 'ann', of: 'ann' })
    expect(await above(3)).toMatchObject({ status: 200 })
    const refused = await apply(before, people.annAgain)
    expect(refused).toMatchObject({ status: 403, body: { code: 'approval_required' } })
    expect(refused.body).toMatchObject({ hint: expect.stringContaining(`jobsctl approve ${before.id}`) })
    expect(await world.count()).toBe(4)
    // Both tokens are of ann: a second person is another one.
    expect(await decide('approve', before, people.annAgain)).toMatchObject(forbidden)
    expect(await decide('approve', before, people.ben)).toMatchObject({ status: 200 })
    const applied = await apply(before, people.annAgain)
    expect(applied).toMatchObject({ status: 200, body: { deleted: 4 } })

    await world.jobs(2, { ...old, domain: 'b' })
    const below = await propose(as, { domain: 'b' })
    expect(await apply(below, people.zoe)).toMatchObject(forbidden)
    const once = { 'idempotency-key': 'once' }
    const first = await apply(below, people.annAgain, once)
    expect(first).toMatchObject({ status: 200, body: { deleted: 2 } })
    expect((await apply(below, people.annAgain, once)).body).toEqual(first.body)
    expect(await apply(below, people.annAgain)).toMatchObject({ status: 409 })
    const proposal = { digest: below.digest, agent: idBehind(people.ann), session, client: 'desk-client 1.2' }
    const { operation_id } = z.object({ operation_id: z.number() }).parse(first.body)
    const record = (await world.call('GET', `/api/v1/jobs/operations/${operation_id}`, undefined, people.boss)).body
    expect(record).toMatchObject({
      caller: idBehind(people.annAgain),
      filters: { proposal: { plan: below.id, ...proposal }, principal: { agent: 'ann', of: 'ann' } },
    })
    const events = await world.events()
    expect(events.at(-1)?.attrs_json).toMatchObject({ proposal: { plan: below.id, ...proposal } })
    expect(JSON.stringify(events.at(-1))).not.toContain('"of"')
  })

  it('are decided by nothing that the process of the agent may hold', async () => {
    const { as } = await openAgent(world.url, people.boss)
    const mender = await makeAgent(world.sql, 'boss', idBehind(people.boss))
    // Whatever the key of the agent makes, its process has.
    const twin = made(await world.post('/api/v1/tokens', { name: 'twin', role: 'admin' }, people.boss))
    const ghost = made(await world.post('/api/v1/tokens', { name: 'ghost', role: 'admin', principal: 'ghost' }, twin))
    const taken = made(await world.post(`/api/v1/tokens/${idBehind(people.ben)}/rotate`, {}, people.boss))
    const byTwin = made(await world.post('/api/v1/tokens', { name: 'm', role: 'agent', of: 'boss' }, twin))
    for (const [agent, domain] of [
      [as, 'a'],
      [mender, 'b'],
      [byTwin, 'c'],
    ] as const) {
      await world.jobs(1, { ...old, domain })
      const plan = await propose(agent, { domain })
      const jobs = await world.count()
      expect(await decide('approve', plan, agent)).toMatchObject(forbidden)
      expect(await apply(plan, agent)).toMatchObject(forbidden)
      const browser = openBrowser(world.url)
      await browser.logIn(secretOf(agent === byTwin ? twin : people.boss))
      const inBrowser = (path: string, body: object) => browser.call('POST', `${planPath}/${plan.id}/${path}`, body)
      for (const path of ['approve', 'apply'])
        expect(await inBrowser(path, { digest: plan.digest }), path).toMatchObject(elsewhere)
      const held = agent === byTwin ? [twin, ghost] : [people.boss, twin, ghost]
      for (const key of held) {
        expect(await decide('approve', plan, key)).toMatchObject(elsewhere)
        expect((await apply(plan, key)).status).toBe(403)
      }
      if (agent !== byTwin)
        for (const key of [taken, people.ben]) expect(await decide('approve', plan, key)).toMatchObject(elsewhere)
      expect(await world.call('POST', `${planPath}/${plan.id}/reject`, {}, agent)).toMatchObject({ status: 422 })
      expect(await world.count()).toBe(jobs)
      expect(await show(plan, people.zoe)).toMatchObject({ state: 'waiting', decided_by: null })
    }
    // The author has another token, whose secret was made at the shell.
    const [{ id }] = await world.sql<[{ id: number }]>`select max(id)::int as id from jobsctl_plans`
    const plan = await show({ id }, people.zoe)
    const fresh = await world.sql.begin(async (tx) =>
      bearer(await rotateToken(tx, idBehind(people.boss), { by: undefined, overlapSeconds: 0 })),
    )
    expect(await apply(plan, fresh)).toMatchObject({ status: 200, body: { deleted: 1 } })
  })

  it('are decided in a browser for 15 minutes after its login, by a token that the agent has not', async () => {
    const { as } = await openAgent(world.url, people.ann)
    const plan = await propose(as)
    const browser = openBrowser(world.url)
    await browser.logIn(secretOf(people.annAgain))
    await world.sql`update jobsctl_sessions set opened_at = opened_at - interval '15 minutes'`
    const inBrowser = () => browser.call('POST', `${planPath}/${plan.id}/apply`, { digest: plan.digest }, samePage)
    expect(await inBrowser()).toMatchObject({ status: 403, body: { code: 'login_too_old' } })
    await world.sql`update jobsctl_sessions set opened_at = now()`
    expect(await inBrowser()).toMatchObject({ status: 200, body: { deleted: 4 } })
  })

  it('wait three at a time, and come back no sooner than a day after somebody rejected the same change', async () => {
    const mender = await makeAgent(world.sql, 'ann')
    for (const domain of ['b', 'c', 'd', 'e']) await world.jobs(1, { ...old, domain })
    const plans = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((domain) => ask(mender, { domain })))
    expect(plans.map(({ status }) => status).sort()).toEqual([201, 201, 201, 409, 409])
    await world.sql`delete from jobsctl_plans`
    const [first, second, third] = [
      await propose(mender),
      await propose(mender, { domain: 'b' }),
      await propose(mender, { domain: 'c' }),
    ]
    const other = await makeAgent(world.sql, 'ann')
    expect(await decide('reject', first, other)).toMatchObject(forbidden)
    expect(await decide('reject', first, people.zoe)).toMatchObject(forbidden)
    expect(await decide('reject', first, mender)).toMatchObject({ status: 200 })
    expect(await decide('reject', second, people.ann)).toMatchObject({ status: 200 })
    expect(await decide('reject', third, people.ben)).toMatchObject({ status: 200 })
    // A field that says what is so anyhow, and another order, are no other change.
    for (const request of [{ domain: 'a' }, { domain: 'b' }, { dry_run: false, domain: ' c ' }])
      expect(await ask(mender, request)).toMatchObject({
        status: 409,
        body: { code: 'conflict', detail: expect.stringContaining('asked for the same change') },
      })
    expect(await ask(other, { domain: 'c' })).toMatchObject({ status: 409 })
    expect(await ask(people.ann, { domain: 'c' })).toMatchObject({ status: 201 })
    await world.sql`update jobsctl_plans set decided_at = decided_at - interval '25 hours'`
    expect(await ask(mender, { domain: 'c' })).toMatchObject({ status: 201 })
  })

  it('are at most 50 in 24 hours, also where the agent rejects each by itself', async () => {
    const mender = await makeAgent(world.sql, 'ann')
    const change = (days: number) => ({ domain: 'a', older_than_days: days })
    for (let days = 1; days <= 50; days++)
      expect(await decide('reject', await propose(mender, change(days)), mender)).toMatchObject({ status: 200 })
    expect(await ask(mender, change(51))).toMatchObject({
      status: 409,
      body: { code: 'conflict', detail: expect.stringContaining('50 plans in 24 hours') },
    })
    expect(await ask(people.ann, change(51))).toMatchObject({ status: 201 })
    await world.sql`update jobsctl_plans set created_at = created_at - interval '25 hours' where id = (select min(id) from jobsctl_plans)`
    expect(await ask(mender, change(51))).toMatchObject({ status: 201 })
  })

  it('rest on the token, the role and the person of the agent, and not on the switch', async () => {
    const { as } = await openAgent(world.url, people.ann)
    const plan = await propose(as)
    await world.sql.begin((tx) => setAgents(tx, false))
    expect((await ask(as)).status).toBe(401)
    expect((await show(plan, people.zoe)).state).toBe('waiting')
    await world.sql`update jobsctl_tokens set suspended_at = now() where id = ${idBehind(people.ann)}`
    expect((await show(plan, people.zoe)).state).toBe('withdrawn')
    expect(await apply(plan, people.annAgain)).toMatchObject({ status: 409, body: { code: 'preview_stale' } })
    await world.sql`update jobsctl_tokens set suspended_at = null, role = 'viewer' where id = ${idBehind(people.ann)}`
    expect((await show(plan, people.zoe)).state).toBe('withdrawn')
    await world.sql`update jobsctl_tokens set role = 'operator' where id = ${idBehind(people.ann)}`
    expect(await decide('reject', plan, people.annAgain)).toMatchObject({ status: 200 })
    expect(await apply(plan, people.annAgain)).toMatchObject({ status: 409 })
    expect(await world.count()).toBe(4)
  })

  it('are of what was previewed, where they name its digest', async () => {
    const mender = await makeAgent(world.sql, 'ann')
    const preview = async (request: object) =>
      z
        .object({ body: z.object({ digest: z.string() }) })
        .parse(await world.post(`${planPath}/preview`, { path: paths.prune, request }, mender)).body
    const { digest } = await preview({ domain: 'a' })
    // The same change in other words, and the same counts.
    expect(await preview({ domain: ' a ' })).toEqual({ digest })
    expect(await preview({ domain: 'a', older_than_days: 1 })).not.toEqual({ digest })
    const asked = (more: object = {}, as = mender) =>
      world.post(planPath, { path: paths.prune, request: { domain: 'a' }, digest, ...more }, { ...as, 'x-reason': 'r' })
    expect(await asked({ digest: 'x' })).toMatchObject({ status: 422 })
    expect(await asked({ request: { domain: 'b' } })).toMatchObject({ status: 409 })
    await world.jobs(1, { ...old, domain: 'a' })
    for (const as of [mender, people.ann])
      expect(await asked({}, as)).toMatchObject({ status: 409, body: { code: 'preview_stale' } })
    expect(await world.sql`select from jobsctl_plans`).toHaveLength(0)
    const again = await preview({ domain: 'a' })
    expect(again).not.toEqual({ digest })
    expect(await asked(again)).toMatchObject({ status: 201, body: { count: 5 } })
  })

  it('and their previews need the right to propose, and look for nothing that the agent may not see', async () => {
    const { as } = await openAgent(world.url, people.ann)
    const preview = (request: object, who: Headers, path = paths.prune) =>
      world.post(`${planPath}/preview`, { path, request }, who)
    const shown = await preview({ domain: 'a' }, as)
    expect(shown).toMatchObject({ status: 200, body: { kind: 'prune', preview: { count: 4 } } })
    expect(JSON.stringify(shown.body)).not.toContain('token')
    expect(await world.sql`select from jobsctl_plans`).toHaveLength(0)
    const secret = [{ path: 'x', op: 'eq', value: 1 }]
    for (const request of [
      { domain: 'a', error: 'secret' },
      { domain: 'a', payload: secret },
      { domain: 'a', 'payload.x': '1' },
    ])
      for (const answer of [
        await preview(request, as, '/api/v1/jobs/batch/retry'),
        await ask(as, request, '/api/v1/jobs/batch/retry'),
      ])
        expect(answer, JSON.stringify(request)).toMatchObject(forbidden)
    const edit = { domain: 'a', set: [{ path: 'payload.x', value: 1 }] }
    expect(await ask(as, edit, '/api/v1/jobs/batch/edit')).toMatchObject(forbidden)
    expect(await ask(as, { rules: [] }, '/api/v1/jobs/policy')).toMatchObject(forbidden)
    expect((await ask(as, { domain: 'a' }, '/api/v1/jobs/erase')).status).toBeGreaterThanOrEqual(400)
    const viewer = await openAgent(world.url, people.zoe)
    await world.sql`update jobsctl_tokens set role = 'viewer' where id = ${idBehind(people.zoe)}`
    expect(await preview({ domain: 'a' }, viewer.as)).toMatchObject(forbidden)
  })

  it('are what a refused change tells an agent to make; the session of a viewer is told of its key', async () => {
    const byPlan = {
      detail: expect.stringContaining('"change"'),
      hint: 'an agent plans a change, and a person decides',
    }
    const [agent, session] = [await makeAgent(world.sql, 'ann'), (await openAgent(world.url, people.ann)).as]
    for (const as of [agent, session])
      expect(await world.confirm(paths.prune, { domain: 'a' }, as)).toMatchObject({ status: 403, body: byPlan })
    const { as } = await openAgent(world.url, people.zoe)
    await world.sql`update jobsctl_tokens set role = 'viewer' where id = ${idBehind(people.zoe)}`
    const byKey = { hint: expect.stringContaining('what its key may') }
    expect(await ask(as)).toMatchObject({ status: 403, body: byKey })
  })

  it('show what the agent asked before, which an erasure reaches', async () => {
    const { as, id: session } = await openAgent(world.url, people.ann)
    const caller = { id: idBehind(people.ann), agent: { name: 'ann', of: 'ann', session, client: undefined } }
    const keep = (filter: object) =>
      keepCall(world.sql, { caller, tool: 'list_jobs', filter, rows: 2, fields: ['id', 'queue'] })
    await world.jobs(1, { ...old, domain: 'a', owner_user_id: 'the "owner"' })
    await keep({ domain: 'a', note: '\u0000\ud800' })
    await keep({ owner_user_id: 'the "owner"' })
    for (let nth = 0; nth < 20; nth += 1) await keep({ nth })
    const plan = await propose(as)
    await keep({ later: true })
    const { evidence = [] } = await show(plan, people.ben)
    expect(evidence.map(({ filter }) => filter)).toEqual(Array.from({ length: 20 }, (_, nth) => `{"nth":${19 - nth}}`))
    const erasure = { owner_user_id: 'the "owner"', reason: 'asked' }
    const erased = await world.confirm('/api/v1/jobs/erase', { owner_user_id: erasure.owner_user_id }, people.boss)
    expect(erased).toMatchObject({ status: 200 })
    const filters = (await world.sql<{ filter: string }[]>`select filter from jobsctl_agent_calls order by id`).map(
      (row) => row.filter,
    )
    expect(filters.slice(0, 2)).toEqual([expect.stringContaining('"domain":"a"'), '{"erased": true}'])
  })
})

it('an agent proposes nothing in single-user mode, and previews', async () => {
  const world = await openWorld('postgres')
  try {
    await setAgents(world.sql, true)
    const { as } = await openAgent(world.url, { 'x-api-key': world.key })
    await world.jobs(2, { ...old, domain: 'a' })
    const planned = { path: paths.prune, request: { domain: 'a' } }
    expect(await world.post(`${planPath}/preview`, planned, as)).toMatchObject({
      status: 200,
      body: { preview: { count: 2 } },
    })
    expect(await world.post(planPath, planned, { ...as, 'x-reason': 'because' })).toMatchObject({
      status: 409,
      body: { hint: expect.stringContaining('AUTH_MODE=multi_user') },
    })
    expect(await world.post(sessionPath, {}, as)).toMatchObject(forbidden)
  } finally {
    await world.stop()
  }
})

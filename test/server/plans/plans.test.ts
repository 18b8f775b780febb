import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { takeLock } from '../../../server/database/advisory-locks.ts'
import { idOf } from '../../support/access/tokens.ts'
import { changes } from '../../support/changes/bulk-tools.ts'
import { makePeople, type People, planOf, planPath } from '../../support/changes/plans.ts'
import { kinds } from '../../support/database/database.ts'
import { startServer } from '../../support/programs/built.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const old = { status: 'completed', completed_at: '2020-01-01T00:00:00Z' }
const reason = { 'x-reason': 'the disk is full' }

describe.each(kinds)('plans on %s', (kind) => {
  let world: World
  let people: People
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    await world.sql`delete from jobsctl_plans`
    await world.sql`delete from jobsctl_settings where name = 'approval_above'`
    people = await makePeople(world.sql)
  })

  const propose = (as = people.ann, request: object = { domain: 'a' }, path = paths.prune) =>
    world.post(planPath, { path, request }, { ...as, ...reason })
  const show = async (id: number, as = people.ann) =>
    planOf(await world.call('GET', `${planPath}/${id}`, undefined, as))
  const decide = (plan: { id: number; digest: string }, action: string, as: Record<string, string>) =>
    world.post(`${planPath}/${plan.id}/${action}`, { digest: plan.digest }, as)
  const apply = (id: number, as: Record<string, string>, body: object = {}, headers = {}) =>
    world.confirm(`${planPath}/${id}/apply`, body, { ...as, ...headers })
  const operationOf = ({ body }: { body: unknown }) => z.object({ operation_id: z.number() }).parse(body).operation_id

  it('and their previews take no request with a field twice, of which a reader would see one', async () => {
    await world.jobs(3, { ...old, domain: 'a' })
    const twice = `{"path": "${paths.prune}", "request": {"domain": "nobody", "domain": "a"}}`
    for (const path of [planPath, `${planPath}/preview`])
      expect(await world.call('POST', path, twice, { ...people.ann, ...reason })).toMatchObject({
        status: 422,
        body: { errors: [{ path: 'domain', message: 'is given more than once' }] },
      })
    expect((await world.call('GET', planPath, undefined, people.ann)).body).toEqual([])
  })

  it('wait for another principal, and are applied once to the jobs of their preview, with both names under the seal', async () => {
    await world.jobs(3, { ...old, domain: 'a' })
    const answer = await propose()
    expect(answer.status).toBe(201)
    const plan = planOf(answer)
    expect(plan).toMatchObject({ state: 'waiting', kind: 'prune', count: 3, domain: 'a', author_principal: 'ann' })
    expect(JSON.stringify(answer.body)).not.toContain('"token"')
    expect(await apply(plan.id, people.ann)).toMatchObject({ status: 403, body: { code: 'approval_required' } })
    // Later jobs do not belong to the plan, and a job that has gone is no part of it any more.
    await world.jobs(2, { ...old, domain: 'a' })
    await world.sql`delete from jobs where id = (select min(id) from jobs)`
    expect(await show(plan.id)).toMatchObject({ count: 3, still_matching: 2 })
    expect(await decide(plan, 'approve', people.ben)).toMatchObject({
      status: 200,
      body: { state: 'approved', decided_principal: 'ben' },
    })
    const applied = await apply(plan.id, people.ann)
    expect(applied).toMatchObject({ status: 200, body: { deleted: 2, skipped: 1 } })
    expect(await world.count()).toBe(2)
    const id = operationOf(applied)
    const { body } = await world.call('GET', `/api/v1/jobs/operations/${id}`, undefined, people.boss)
    expect(body).toMatchObject({
      reason: 'the disk is full',
      filters: {
        approval: { plan: plan.id, digest: plan.digest, author: idOf(people.ann.authorization ?? '') },
        principal: { author: 'ann', approver: 'ben' },
      },
    })
    expect(await show(plan.id)).toMatchObject({ state: 'applied', operation_id: id, still_matching: null })
    expect(await apply(plan.id, people.ann)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    const undo = await world.confirm(`/api/v1/jobs/operations/${id}/undo`, {}, people.zoe)
    expect(undo).toMatchObject({ status: 200, body: { affected: 2 } })
    const { body: verified } = await world.call('GET', '/api/v1/jobs/operations/verify', undefined, people.boss)
    expect(verified).toMatchObject({ ok: true })
  })

  it('are approved by nobody of the principal of their author, nor by a token that it made', async () => {
    await world.jobs(1, { ...old, domain: 'a' })
    const plan = planOf(await propose(people.boss))
    const made = await world.post('/api/v1/tokens', { name: 'x', role: 'admin', principal: 'somebody' }, people.boss)
    const { token } = z.object({ token: z.string() }).parse(made.body)
    const puppet = { 'x-api-key': '', authorization: `Bearer ${token}` }
    const child = await world.post(
      '/api/v1/tokens',
      { name: 'y', role: 'operator', approver: true, principal: 'z' },
      puppet,
    )
    const grandchild = {
      'x-api-key': '',
      authorization: `Bearer ${z.object({ token: z.string() }).parse(child.body).token}`,
    }
    for (const as of [people.boss, puppet, grandchild])
      expect(await decide(plan, 'approve', as)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect(await decide(plan, 'approve', people.zoe)).toMatchObject({
      status: 403,
      body: { detail: expect.stringContaining('lacks the right "approve"') },
    })
    expect((await show(plan.id)).state).toBe('waiting')
    const own = planOf(await propose(people.ann))
    expect((await decide(own, 'approve', people.annAgain)).status).toBe(403)
    expect((await decide(own, 'approve', people.boss)).status).toBe(200)
  })

  it('are not made of more jobs than their limit, which no approval could apply', async () => {
    await world.jobs(3, { ...old, domain: 'a' })
    expect(await propose(people.ann, { domain: 'a', max: 2 })).toMatchObject({
      status: 412,
      body: {
        code: 'limit_exceeded',
        detail: '3 jobs match, above the limit of 2; no plan was made',
        hint: 'narrow the scope, or raise the limit',
      },
    })
    expect(await world.sql`select from jobsctl_plans`).toHaveLength(0)
    expect((await propose(people.ann, { domain: 'a', max: 3 })).status).toBe(201)
  })

  it('are decided once, with the digest of what was read', async () => {
    await world.jobs(1, { ...old, domain: 'a' })
    const plan = planOf(await propose())
    const other = { ...plan, digest: 'f'.repeat(64) }
    expect(await decide(other, 'approve', people.ben)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    const both = await Promise.all([decide(plan, 'approve', people.ben), decide(plan, 'approve', people.boss)])
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409])
    const rejected = planOf(await propose())
    expect((await decide(rejected, 'reject', people.ben)).status).toBe(200)
    expect(await decide(rejected, 'approve', people.boss)).toMatchObject({ status: 409 })
    expect(await apply(rejected.id, people.ann)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    const kindsOfActs = await world.sql<{ kind: string }[]>`
      select kind from job_operations where kind like 'plan.%' order by id`
    expect(kindsOfActs).toHaveLength(2)
  })

  it('are applied by their author or their approver alone', async () => {
    await world.jobs(2, { ...old, domain: 'a' })
    const plan = planOf(await propose())
    await decide(plan, 'approve', people.ben)
    for (const as of [people.zoe, people.boss])
      expect(await apply(plan.id, as)).toMatchObject({ status: 403, body: { detail: expect.stringContaining('ann') } })
    expect((await world.post(`${planPath}/${plan.id}/apply`, {}, people.ben)).status).toBe(400)
    expect(await apply(plan.id, people.ben, { digest: plan.digest, rate: 1000 })).toMatchObject({
      status: 200,
      body: { deleted: 2 },
    })
  })

  it('are applied at most once, whoever asks on whichever server, and a repeated request gets the first answer', async () => {
    await world.jobs(4, { ...old, domain: 'a' })
    const plan = planOf(await propose())
    await decide(plan, 'approve', people.ben)
    const second = kind === 'postgres' ? await startServer(world.env, () => {}) : undefined
    await second?.prepared
    try {
      const key = { 'idempotency-key': 'the first' }
      const send = (as: Record<string, string>, url: string, headers: Record<string, string> = {}) =>
        fetch(`${url}${planPath}/${plan.id}/apply`, {
          method: 'POST',
          headers: {
            ...{ authorization: as.authorization ?? '', 'x-confirm': 'true', 'content-type': 'application/json' },
            ...headers,
          },
          body: '{}',
        }).then(async (response) => ({ status: response.status, body: await response.json() }))
      const urls = [world.url, second?.url ?? world.url]
      const all = await Promise.all(
        [people.ann, people.ben, people.ann, people.ben].map((as, at) => send(as, urls[at % 2] ?? world.url)),
      )
      expect(all.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(all.filter(({ status }) => status === 409)).toHaveLength(3)
      await world.jobs(2, { ...old, domain: 'a' })
      const again = planOf(await propose())
      await decide(again, 'approve', people.ben)
      const first = await apply(again.id, people.ann, {}, key)
      expect(await apply(again.id, people.ann, {}, key)).toMatchObject({ status: 200, body: first.body })
      const detail = expect.stringContaining(`plan ${again.id} was applied already`)
      for (const other of [{}, { 'idempotency-key': 'of a later command' }])
        expect(await apply(again.id, people.ann, {}, other)).toMatchObject({ status: 409, body: { detail } })
      expect(await world.count()).toBe(0)
    } finally {
      await second?.stop()
    }
  })

  it('take every change of many jobs but an erasure, and no dry run', async () => {
    for (const { path, body, wanted } of changes) {
      await world.clear()
      await world.jobs(1, { domain: 'chatbooks', ...old, ...wanted })
      await world.sql`update jobs set created_at = now() - interval '2 days', started_at = now() - interval '2 days'`
      const plan = planOf(await propose(people.ann, body, path))
      expect([path, plan.count]).toEqual([path, 1])
      expect((await decide(plan, 'approve', people.ben)).status).toBe(200)
      const answer = await apply(plan.id, people.ann)
      expect([path, answer.status, operationOf(answer)]).toEqual([path, 200, expect.any(Number)])
    }
    const wrong: [string, object, string][] = [
      ['/api/v1/jobs/erase', { owner_user_id: 'alice' }, 'path'],
      ['/api/v1/jobs/stats', {}, 'path'],
      [paths.prune, { domain: 'a', dry_run: true }, 'request.dry_run'],
      [paths.prune, { domain: 'a', preview_token: 'x' }, 'request.preview_token'],
      [paths.prune, { domain: 'a', olderthan: 3 }, 'request.olderthan'],
      [paths.integrity, { domain: 'a' }, 'request.fix'],
    ]
    for (const [path, request, field] of wrong)
      expect(await propose(people.ann, request, path)).toMatchObject({
        status: 422,
        body: { code: 'invalid_request', detail: expect.stringContaining(field) },
      })
    expect(await world.post(planPath, { path: paths.prune, request: { domain: 'a' } }, people.ann)).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('X-Reason') },
    })
    expect(await propose(people.ann, { domain: 'empty' })).toMatchObject({ status: 409, body: { code: 'conflict' } })
  })

  it('end with their term, with the token of their author, and with the database that made them', async () => {
    await world.jobs(3, { ...old, domain: 'a' })
    const plans = [planOf(await propose()), planOf(await propose()), planOf(await propose(people.zoe))]
    const [expired, stale, withdrawn] = plans
    for (const plan of plans) expect((await decide(plan, 'approve', people.ben)).status).toBe(200)
    await world.sql`update jobsctl_plans set expires_at = now() - interval '1 second' where id = ${expired?.id ?? 0}`
    await world.sql`
      update jobsctl_plans set origin = jsonb_set(origin::jsonb, '{timeline}', '"FFFFFFFF"')::text where id = ${stale?.id ?? 0}`
    await world.sql`update jobs_api_tokens set revoked_at = now() where id = ${idOf(people.zoe.authorization ?? '')}`
    const states = await Promise.all(plans.map(async ({ id }) => (await show(id, people.ben)).state))
    expect(states).toEqual(['expired', 'stale', 'withdrawn'])
    for (const plan of plans)
      expect(await apply(plan.id, people.ben)).toMatchObject({ status: 409, body: { code: 'preview_stale' } })
    expect(withdrawn?.id).toBeDefined()
    expect(await world.count()).toBe(3)
    const listed = await world.call('GET', `${planPath}?state=stale`, undefined, people.ann)
    expect(z.array(z.object({ id: z.number() })).parse(listed.body)).toEqual([
      expect.objectContaining({ id: stale?.id }),
    ])
  })

  it('end with the token of who approved them, and where the author or the approver is blocked', async () => {
    await world.jobs(1, { ...old, domain: 'a' })
    const [author, approver] = [people.ann, people.ben].map((as) => idOf(as.authorization ?? ''))
    const plan = planOf(await propose())
    expect((await decide(plan, 'approve', people.ben)).status).toBe(200)
    for (const id of [author, approver]) {
      await world.sql`insert into jobsctl_callers (id, name, blocked_at) values (${id ?? ''}, 'x', now())`
      expect((await show(plan.id)).state).toBe('withdrawn')
      await world.sql`delete from jobsctl_callers`
      expect((await show(plan.id)).state).toBe('approved')
    }
    await world.sql`update jobs_api_tokens set revoked_at = now() where id = ${approver ?? ''}`
    expect((await show(plan.id)).state).toBe('withdrawn')
    expect(await apply(plan.id, people.ann)).toMatchObject({ status: 409, body: { code: 'preview_stale' } })
    expect(await world.count()).toBe(1)
  })

  it('are rejected until they are applied, rejected or expired, also after an approval', async () => {
    await world.jobs(1, { ...old, domain: 'a' })
    const approved = planOf(await propose())
    expect((await decide(approved, 'approve', people.ben)).status).toBe(200)
    expect(await decide(approved, 'reject', people.boss)).toMatchObject({
      status: 200,
      body: { state: 'rejected', decided_principal: 'boss' },
    })
    expect(await apply(approved.id, people.ann)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect(await decide(approved, 'reject', people.boss)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    const [stale, withdrawn, expired] = [
      planOf(await propose()),
      planOf(await propose(people.zoe)),
      planOf(await propose()),
    ]
    await makeStale(stale.id)
    await world.sql`update jobs_api_tokens set revoked_at = now() where id = ${idOf(people.zoe.authorization ?? '')}`
    await world.sql`update jobsctl_plans set expires_at = now() where id = ${expired.id}`
    for (const plan of [stale, withdrawn]) {
      expect(await decide(plan, 'approve', people.ben)).toMatchObject({ status: 409, body: { code: 'preview_stale' } })
      expect(await decide(plan, 'reject', people.ben)).toMatchObject({ status: 200, body: { state: 'rejected' } })
    }
    expect(await decide(expired, 'reject', people.ben)).toMatchObject({ status: 409, body: { code: 'preview_stale' } })
    const used = planOf(await propose())
    await decide(used, 'approve', people.ben)
    expect((await apply(used.id, people.ann)).status).toBe(200)
    expect(await decide(used, 'reject', people.ben)).toMatchObject({ status: 409, body: { code: 'conflict' } })
  })
  const makeStale = (id: number) => world.sql`
    update jobsctl_plans set origin = jsonb_set(origin::jsonb, '{timeline}', '"FFFFFFFF"')::text where id = ${id}`

  it.runIf(kind === 'postgres')(
    'are not applied by a request that has read an approval which is taken back since',
    async () => {
      await world.jobs(1, { ...old, domain: 'a' })
      const plan = planOf(await propose())
      await decide(plan, 'approve', people.ben)
      const answer = await world.sql.begin(async (tx) => {
        await tx`select ${takeLock(tx, 'operations')}`
        const applied = apply(plan.id, people.ann)
        const waiting = () => world.sql`
          select from pg_locks join pg_stat_activity using (pid)
          where locktype = 'advisory' and not granted and datname = current_database()`
        await expect.poll(async () => (await waiting()).length).toBe(1)
        expect((await decide(plan, 'reject', people.ben)).status).toBe(200)
        return { applied }
      })
      expect(await answer.applied).toMatchObject({ status: 409, body: { code: 'conflict' } })
      expect(await world.count()).toBe(1)
      expect((await show(plan.id)).state).toBe('rejected')
    },
  )

  it('are shown without a count once the hold of their undo would be over', async () => {
    await world.jobs(1, { ...old, domain: 'a' })
    const pruned = operationOf(await world.confirm(paths.prune, { domain: 'a' }, people.ann))
    const hold_until = new Date(Date.now() + 86_400_000).toISOString()
    const plan = planOf(
      await propose(people.ann, { id: String(pruned), hold_until }, '/api/v1/jobs/operations/:id/undo'),
    )
    expect((await show(plan.id)).still_matching).toBe(1)
    // A program has the id of the operation as a number.
    const sameChange = planOf(await propose(people.ann, { id: pruned }, '/api/v1/jobs/operations/:id/undo'))
    expect(sameChange).toMatchObject({ count: 1, request: { id: String(pruned) } })
    await world.sql`
      update jobsctl_plans set request = replace(request, ${hold_until}, '2020-01-01T00:00:00Z') where id = ${plan.id}`
    expect(await show(plan.id)).toMatchObject({ state: 'waiting', still_matching: null })
  })

  it('leave their slots when nobody can apply them any more', async () => {
    await world.jobs(1, { ...old, domain: 'a' })
    for (let at = 0; at < 20; at += 1) expect((await propose()).status).toBe(201)
    expect((await propose()).status).toBe(409)
    await world.sql`update jobsctl_plans set origin = jsonb_set(origin::jsonb, '{timeline}', '"FFFFFFFF"')::text`
    expect((await propose()).status).toBe(201)
  })

  it('live longer than a preview', async () => {
    await world.jobs(1, { ...old, domain: 'a' })
    const plan = planOf(await propose())
    await decide(plan, 'approve', people.ben)
    const hours = (Date.parse(plan.expires_at) - Date.parse(plan.created_at)) / 3_600_000
    expect(hours).toBeCloseTo(72, 1)
    expect(await isIntactFor(people.boss)).toBe(true)
    expect(await apply(plan.id, people.ann)).toMatchObject({ status: 200 })
  })
  const isIntactFor = async (as: Record<string, string>) => {
    const { body } = await world.call('GET', '/api/v1/jobs/operations/verify', undefined, as)
    return z.object({ ok: z.boolean() }).parse(body).ok
  }

  it('are bounded for a principal', async () => {
    await world.jobs(1, { ...old, domain: 'a' })
    const first = planOf(await propose())
    for (let at = 1; at < 20; at += 1) expect((await propose()).status).toBe(201)
    expect(await propose()).toMatchObject({
      status: 409,
      body: {
        detail: expect.stringContaining('20 plans of ann'),
        hint: expect.stringContaining('ask an approver to reject'),
      },
    })
    expect((await decide(first, 'reject', people.ben)).status).toBe(200)
    expect((await propose()).status).toBe(201)
  })

  it('go on without their caller, on whichever server', async () => {
    await world.jobs(3, { ...old, domain: 'a' })
    const plan = planOf(await propose())
    await decide(plan, 'approve', people.ben)
    const answer = await apply(plan.id, people.ben, {}, { prefer: 'respond-async' })
    expect(answer).toMatchObject({ status: 202, body: { previewed: 3 } })
    await expect.poll(async () => world.count()).toBe(0)
    expect((await show(plan.id)).state).toBe('applied')
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { Reason } from '../../../shared/explain/reason.ts'
import { bearer, idOf, makeScoped, makeToken } from '../../support/access/tokens.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, type World } from '../../support/world.ts'

const path = '/api/v1/tokens'
const Made = z.object({ id: z.string(), token: z.string(), created_at: z.string(), expires_at: z.string().nullable() })

describe.each(kinds)('tokens over HTTP on %s', (kind) => {
  let world: World
  let admin: Record<string, string>
  let auditor: Record<string, string>
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
    admin = bearer(await makeToken(world.sql, 'boss', 'admin'))
    auditor = bearer(await makeToken(world.sql, 'audit', 'auditor'))
  })
  afterAll(() => world?.stop())

  const make = async (body: object, as = admin) => Made.parse((await world.post(path, body, as)).body)
  const statsWith = async (token: string) =>
    (await world.call('GET', '/api/v1/jobs/stats', undefined, bearer(token))).status

  it('are made by an admin with a role, a term and a principal, and the secret is shown once', async () => {
    const answer = await world.post(path, { name: 'wall', role: 'viewer', principal: 'ops' }, admin)
    expect(answer).toMatchObject({
      status: 201,
      body: {
        name: 'wall',
        role: 'viewer',
        principal: 'ops',
        made_by: idOf(admin.authorization ?? ''),
        revoked_at: null,
      },
    })
    const { id, token, created_at, expires_at } = Made.parse(answer.body)
    expect(Date.parse(expires_at ?? '') - Date.parse(created_at)).toBe(90 * 86_400_000)
    expect(await statsWith(token)).toBe(200)
    const listed = await world.call('GET', path, undefined, auditor)
    expect(listed.body).toContainEqual(expect.objectContaining({ id, name: 'wall', last_used_from: '127.0.0.1' }))
    const secret = token.split('_').slice(2).join('_')
    const shown = await world.call('GET', `${path}/${id}`, undefined, auditor)
    expect(shown.body).toMatchObject({ id, role: 'viewer' })
    expect(JSON.stringify([listed, shown, world.log])).not.toContain(secret)
    expect(JSON.stringify(await world.sql`select * from jobsctl_tokens`)).not.toContain(secret)
  })

  it('expire by their role where nothing is said, and never where it is written out', async () => {
    const boss = await make({ name: 'b', role: 'admin' })
    expect(Date.parse(boss.expires_at ?? '') - Date.parse(boss.created_at)).toBe(30 * 86_400_000)
    expect(await make({ name: 'b', role: 'worker', expires: 'never' })).toMatchObject({ expires_at: null })
    expect((await world.post(path, { name: 'own', role: 'worker' }, admin)).body).toMatchObject({ principal: 'boss' })
  })

  it('change at once', async () => {
    const { id, token } = await make({ name: 'changing', role: 'viewer' })
    const change = (action: string, body: object = {}) => world.post(`${path}/${id}/${action}`, body, admin)
    expect(await change('role', { role: 'worker', may_enqueue: true })).toMatchObject({
      status: 200,
      body: { role: 'worker', may_enqueue: true },
    })
    expect(await statsWith(token)).toBe(403)
    expect(await change('role', { role: 'operator' })).toMatchObject({ body: { may_enqueue: false } })
    expect(await statsWith(token)).toBe(200)
    expect(await change('suspend')).toMatchObject({ body: { suspended_at: expect.any(String) } })
    expect(await statsWith(token)).toBe(401)
    expect(await change('resume')).toMatchObject({ body: { suspended_at: null } })
    expect(await statsWith(token)).toBe(200)
    expect(await change('revoke')).toMatchObject({ body: { revoked_at: expect.any(String) } })
    expect(await statsWith(token)).toBe(401)
    for (const action of ['suspend', 'resume']) {
      expect(await change(action)).toMatchObject({
        status: 409,
        body: { detail: expect.stringContaining('revoked for good') },
      })
    }
  })

  it.each([
    [{ name: 'x' }, 'role'],
    [{ name: 'x', role: 'legacy-admin' }, 'role'],
    [{ name: 'x', role: 'boss' }, 'role'],
    [{ name: 'x', role: 'viewer', may_enqueue: true }, 'may_enqueue'],
    [{ name: ' ', role: 'viewer' }, 'name'],
    [{ name: 'x', role: 'viewer', principal: '' }, 'principal'],
    [{ name: 'x', role: 'viewer', expires: 0 }, 'expires'],
    [{ name: 'x', role: 'viewer', expires: null }, 'expires'],
    [{ name: 'x', role: 'viewer', domain: 'd' }, 'domain'],
  ])('are refused for %j', async (body, field) => {
    const before = await world.sql`select from jobs_api_tokens`
    const answer = await world.post(path, body, admin)
    expect(answer).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', detail: expect.stringContaining(field) },
    })
    expect(await world.sql`select from jobs_api_tokens`).toHaveLength(before.length)
  })

  it('are named by their principals to callers that are told for whom others call', async () => {
    const { id } = await make({ name: 'laptop', role: 'operator', principal: 'ann' })
    await world.sql`insert into jobsctl_callers (id, name) values ('oidc:https://id.example/x', 'ben') on conflict do nothing`
    const ask = async (ids: readonly unknown[], as: Record<string, string>) => {
      const query = new URLSearchParams({ ids: JSON.stringify(ids) })
      return world.call('GET', `/api/v1/callers/names?${query}`, undefined, as)
    }
    const scoped = bearer(await makeScoped(world.sql, 'operator', { domains: ['mail'] }))
    const ids = [id, 'oidc:https://id.example/x', 'ffffffffffff', 'single-user', "'; --"]
    for (const as of [admin, auditor, scoped])
      expect(await ask(ids, as)).toMatchObject({
        status: 200,
        body: {
          callers: expect.arrayContaining([
            { id, name: 'ann' },
            { id: 'oidc:https://id.example/x', name: 'ben' },
          ]),
        },
      })
    const viewer = bearer(await makeToken(world.sql, 'wall', 'viewer'))
    expect(await ask(ids, viewer)).toMatchObject({ status: 200, body: { callers: [] } })
    const many = Array.from({ length: 101 }, (_none, n) => String(n))
    for (const wrong of [[], many, [1], ['x'.repeat(257)]]) expect((await ask(wrong, admin)).status).toBe(422)
    await world.sql`delete from jobsctl_callers`
  })

  it('are named by their principals where it is told who stopped a queue or throttled it', async () => {
    const made = await make({ name: 'laptop', role: 'operator', principal: 'ann' })
    const [ann, queue] = [bearer(made.token), { domain: 'mail', queue: 'high' }]
    const [id] = await world.jobs(1, { ...queue, status: 'queued' })
    for (const [act, more] of [
      ['control', { action: 'pause' }],
      ['throttle', { running: 1, per_minute: 1 }],
    ] as const)
      expect((await world.post(`/api/v1/jobs/queue/${act}`, { ...queue, ...more }, ann)).status).toBe(200)
    const explained = async (path: string, as = ann) => {
      const { status, body } = await world.call('GET', path, undefined, as)
      expect(status, JSON.stringify(body)).toBe(200)
      const reasons = Object(body).reasons.filter(({ facts }: Reason) => 'by' in facts)
      return reasons.map(({ code, facts, sentence }: Reason) => [code, facts.by, / by (\w+)/.exec(sentence)?.[1]])
    }
    const query = new URLSearchParams(queue)
    const stopped = ['queue_paused', 'ann', 'ann']
    const [{ at }] = await world.sql<[{ at: string }]>`select clock_timestamp() as at`
    for (const path of [`${id}/explain`, `queues/explain?${query}`])
      expect(await explained(`/api/v1/jobs/${path}`)).toEqual([stopped, ['throttled', 'ann', 'ann']])
    expect(await explained(`/api/v1/jobs/queues/explain?${new URLSearchParams({ ...queue, at })}`)).toEqual([stopped])
    const { body } = await world.call('GET', `/api/v1/jobs/overview?${query}`, undefined, ann)
    expect(body).toMatchObject({ queues: [{ stop: { by: 'ann' } }] })
    // Who only reads is told ids, also where somebody else asks at the same time.
    const viewer = bearer(await makeToken(world.sql, 'wall', 'viewer'))
    const throttled = ['throttled', made.id, made.id]
    expect(await explained(`/api/v1/jobs/queues/explain?${query}`, viewer)).toEqual([
      ['queue_paused', made.id, made.id],
      throttled,
    ])
    const overviews = await Promise.all(
      [ann, viewer].map((as) => world.call('GET', `/api/v1/jobs/overview?${query}`, undefined, as)),
    )
    expect(overviews.map((one) => Object(one.body).queues[0].stop.by)).toEqual(['ann', made.id])
    const told = await world.jobsctl(['explain', 'mail/high', '--json'], {
      env: { JOBSCTL_API_KEY: '', JOBSCTL_TOKEN: made.token },
    })
    expect(told.out).toContain(' by ann')
    expect(told.out).not.toContain(made.id)
    // A caller of single sign-on, and one that nobody knows any more.
    await world.sql`insert into jobsctl_callers (id, name) values ('oidc:https://id.example/y', 'ben')`
    for (const [caller, name] of [
      ['oidc:https://id.example/y', 'ben'],
      ['ffffffffffff', 'ffffffffffff'],
    ] as const) {
      await world.sql`update jobsctl_limits set caller = ${caller}`
      expect((await explained(`/api/v1/jobs/queues/explain?${query}`))[1]).toEqual(['throttled', name, name])
    }
    await world.sql`delete from jobsctl_callers`
  })

  it('are named by their principals where it is told who made the mark before a failure', async () => {
    const made = await make({ name: 'pipeline', role: 'operator', principal: 'ann' })
    const [ann, place] = [bearer(made.token), { domain: 'marked', queue: 'high' }]
    expect((await world.post('/api/v1/jobs/marks', { text: 'deploy 4711' }, ann)).status).toBe(201)
    await world.jobs(4, { ...place, status: 'failed', days: 0 })
    await world.sql`
      insert into jobsctl_history_minutes (starts, domain, queue, job_type, from_status, to_status, jobs, milliseconds)
      values (date_trunc('minute', now()), 'marked', 'high', 'a', 'processing', 'failed', 4, 0)`
    await world.sql`insert into jobsctl_callers (id, name) values ('oidc:https://id.example/z', 'ben')`
    const toldBy = async (as: Record<string, string>) => {
      const { body } = await world.call('GET', `/api/v1/jobs/overview?${new URLSearchParams(place)}`, undefined, as)
      return Object(body).attention[0]?.mark?.by
    }
    const viewer = bearer(await makeToken(world.sql, 'wall', 'viewer'))
    expect([await toldBy(ann), await toldBy(viewer)]).toEqual(['ann', made.id])
    for (const [caller, name] of [
      ['oidc:https://id.example/z', 'ben'],
      ['oidc:https://id.example/gone', 'oidc:https://id.example/gone'],
    ] as const) {
      await world.sql`update jobsctl_marks set caller = ${caller}`
      expect([await toldBy(ann), await toldBy(viewer)]).toEqual([name, caller])
    }
    await world.sql`delete from jobsctl_callers`
  })

  it('are neither made nor changed by a caller who may only list them, and an unknown one is 404', async () => {
    expect((await world.post(path, { name: 'x', role: 'viewer' }, auditor)).status).toBe(403)
    const unknown = `${path}/ffffffffffff`
    expect((await world.call('GET', unknown, undefined, auditor)).status).toBe(404)
    for (const action of ['suspend', 'resume', 'revoke']) {
      expect((await world.post(`${unknown}/${action}`, {}, auditor)).status).toBe(403)
      expect((await world.post(`${unknown}/${action}`, {}, admin)).status).toBe(404)
    }
    expect((await world.post(`${unknown}/role`, { role: 'admin' }, admin)).status).toBe(404)
    expect((await world.call('GET', `${path}/..%2f`, undefined, auditor)).status).toBeGreaterThanOrEqual(400)
  })
})

import { createHmac, createPublicKey } from 'node:crypto'
import type { JWK } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { isSingleSignOn, singleSignOnId } from '../../../../server/auth/single-sign-on-id.ts'
import { openBrowser } from '../../../support/access/browser.ts'
import { bearer, makeToken } from '../../../support/access/tokens.ts'
import { planOf, planPath } from '../../../support/changes/plans.ts'
import { kinds } from '../../../support/database/database.ts'
import { startServer } from '../../../support/programs/built.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'
import { audience, newKey, signed, startProvider, type TestProvider } from '../../../support/sign-on/provider.ts'
import { openWorld, paths, type World } from '../../../support/world.ts'

const roles = JSON.stringify([
  { claim: 'groups', value: 'admins', role: 'admin' },
  { claim: 'groups', value: 'ops', role: 'operator' },
  { claim: 'realm.roles', value: 'books', role: 'viewer', scope: { domains: ['chatbooks'] } },
])
const caller = '/api/v1/caller'
const now = () => Math.floor(Date.now() / 1000)
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe.each(kinds)('a token of single sign-on on %s', (kind) => {
  let world: World
  let provider: TestProvider
  let key: JWK
  let env: Record<string, string>
  beforeAll(async () => {
    key = await newKey('first')
    provider = await startProvider({ keys: [key], groups: ['staff', 'ops'] })
    env = {
      AUTH_MODE: 'multi_user',
      JOBS_OIDC_ISSUER: provider.issuer,
      JOBS_OIDC_AUDIENCE: audience,
      JOBS_OIDC_ROLES: roles,
    }
    world = await openWorld(kind, { ...env, JOBS_TRUSTED_PROXIES: '127.0.0.1, ::1' })
  })
  afterAll(async () => {
    await world?.stop()
    await provider?.stop()
  })

  let addresses = 0
  /** From another address each time, since wrong tokens are counted by address. */
  const as = (token: string) => ({ ...bearer(token), 'x-forwarded-for': `203.0.113.${addresses++ % 250}` })
  const ask = (token: string, path = caller) => world.call('GET', path, undefined, as(token))
  const sign = (claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}) =>
    signed({ key, claims: { iss: provider.issuer, ...claims }, header })
  const idOf = (subject: string) => singleSignOnId(provider.issuer, subject)

  it('applies no policy, since no server can look up at night what its claims would say', async () => {
    const headers = { ...as(await sign({ groups: ['admins'] })), 'x-confirm': 'true' }
    const answer = await world.post('/api/v1/jobs/policy', { rules: [], revision: 0 }, headers)
    expect(answer).toMatchObject({ status: 403, body: { detail: expect.stringContaining('which is no token') } })
  })

  it('of an admin approves no plan of its own by a token that it made, directly or by others', async () => {
    const boss = as(await sign({ groups: ['admins'], sub: 'boss' }))
    const headers = { ...boss, 'x-reason': 'the disk is full' }
    await world.jobs(1, { status: 'completed', completed_at: '2020-01-01T00:00:00Z', domain: 'planned' })
    const asked = { path: paths.prune, request: { domain: 'planned' } }
    const plan = planOf(await world.post(planPath, asked, headers))
    const make = async (maker: Record<string, string>, role: string) => {
      const wanted = { name: role, role, approver: true, principal: `a ${role}` }
      const { body } = await world.post('/api/v1/tokens', wanted, maker)
      return bearer(z.object({ token: z.string() }).parse(body).token)
    }
    const child = await make(boss, 'admin')
    const approve = (who: Record<string, string>) =>
      world.post(`${planPath}/${plan.id}/approve`, { digest: plan.digest }, who)
    for (const who of [child, await make(child, 'viewer')])
      expect(await approve(who)).toMatchObject({ status: 403, body: { detail: expect.stringContaining('made') } })
    expect((await approve(bearer(await makeToken(world.sql, 'another', 'admin')))).status).toBe(200)
  })

  it('that the provider gives to a program is taken, beside tokens of jobs-server, and its claims give the role', async () => {
    const { status, body } = await ask(await provider.token())
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { id: idOf('jobs'), principal: idOf('jobs'), role: 'operator' },
    })
    expect(
      (await world.call('GET', paths.stats, undefined, bearer(await makeToken(world.sql, 'old', 'viewer')))).status,
    ).toBe(200)
    expect((await ask(await sign({ groups: ['admins', 'ops'] }))).body).toMatchObject({ role: 'admin' })
    expect((await ask(await sign({ groups: 'ops' }))).body).toMatchObject({ role: 'operator', name: 'ann' })
    const books = await sign({ groups: [], realm: { roles: ['books'] } })
    expect((await ask(books)).body).toMatchObject({ role: 'viewer', scope: { domains: ['chatbooks'] } })
    expect((await ask(books, paths.stats)).status).toBe(200)
    expect((await world.confirm(paths.prune, {}, as(books))).status).toBe(403)
  })

  it.each<[string, () => Promise<string> | string]>([
    ['of another audience', () => sign({ aud: 'https://other.example' })],
    ['of an audience that begins as ours', () => sign({ aud: `${audience}/v2` })],
    ['without an audience', () => sign({ aud: undefined })],
    ['of another issuer', () => sign({ iss: 'https://idp.example' })],
    ['of the issuer with a slash', () => sign({ iss: `${provider.issuer}/` })],
    ['without an issuer', () => sign({ iss: undefined })],
    ['that expired more than a minute ago', () => sign({ exp: now() - 90 })],
    ['without an end', () => sign({ exp: undefined })],
    ['that begins in more than a minute', () => sign({ nbf: now() + 120 })],
    ['without a subject', () => sign({ sub: undefined })],
    ['with an empty subject', () => sign({ sub: '' })],
    ['with a subject of 2 kB', () => sign({ sub: 'x'.repeat(2048) })],
    ['of a logout', () => sign({}, { typ: 'logout+jwt' })],
    ['with an unknown extension', () => sign({}, { crit: ['x'], x: 1 }).catch(() => 'a.b.c')],
    ['with an unknown key', () => sign({}, { kid: 'nobody' })],
    [
      'without a signature',
      () =>
        `${part({ alg: 'none' })}.${part({ iss: provider.issuer, aud: audience, sub: 'ann', exp: now() + 60, groups: ['admins'] })}.`,
    ],
    [
      'with alg None and a signature',
      async () => (await sign()).replace(/^[^.]*/, part({ alg: 'None', kid: 'first' })),
    ],
    [
      'with HMAC by the public key',
      () => {
        const { kty = '', n = '', e = '' } = key
        const pem = createPublicKey({ key: { kty, n, e }, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
        const text = `${part({ alg: 'HS256', kid: 'first' })}.${part({ iss: provider.issuer, aud: audience, sub: 'ann', exp: now() + 60, groups: ['admins'] })}`
        return `${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`
      },
    ],
    [
      'with another role than was signed',
      async () =>
        (await sign()).replace(
          /\.[^.]*\./,
          `.${part({ iss: provider.issuer, aud: audience, sub: 'ann', exp: now() + 60, groups: ['admins'] })}.`,
        ),
    ],
    ['with its key in it', async () => sign({}, { jwk: { kty: 'RSA', n: key.n, e: key.e }, kid: 'own' })],
    ['with the address of a key', async () => sign({}, { jku: 'http://127.0.0.1:1/jwks', kid: 'own' })],
    [
      'by a key of somebody else',
      async () => signed({ key: { ...(await newKey('first')) }, claims: { iss: provider.issuer } }),
    ],
    ['cut off', async () => (await sign()).slice(0, -1)],
    ['of two parts', async () => (await sign()).replace(/\.[^.]*$/, '')],
  ])('%s is refused', async (_what, make) => {
    const { status, body } = await ask(await make())
    expect({ status, body }).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
  })

  it('whose clock is less than a minute apart is taken', async () => {
    expect((await ask(await sign({ exp: now() - 30 }))).status).toBe(200)
    expect((await ask(await sign({ nbf: now() + 30, iat: now() + 30 }))).status).toBe(200)
    expect((await ask(await sign({ aud: ['x', audience] }))).status).toBe(200)
  })

  it('to whose claims no entry fits is 403, as is a right that the role lacks', async () => {
    for (const claims of [
      { groups: ['nobody'] },
      { groups: undefined },
      { groups: { ops: 1 } },
      { groups: ['ops '] },
      { groups: ['OPS'] },
      { groups: undefined, realm: 'books' },
    ])
      expect(await ask(await sign(claims))).toMatchObject({
        status: 403,
        body: { code: 'forbidden', hint: expect.stringContaining('JOBS_OIDC_ROLES') },
      })
    expect(await ask(await sign(), '/api/v1/tokens')).toMatchObject({
      status: 403,
      body: { detail: expect.stringContaining(`the caller ${idOf('ann')}`) },
    })
  })

  it('makes the keys be fetched once, however many tokens with unknown keys come', async () => {
    const before = provider.fetches()
    for (let nth = 0; nth < 5; nth++) await ask(await sign({}, { kid: `unknown ${nth}` }))
    expect(provider.fetches() - before).toBeLessThanOrEqual(1)
  })

  it('names the caller in records by issuer and subject, which a name in it cannot change, and takes no key of another', async () => {
    const token = await sign({ preferred_username: 'single-user', sub: 'eve' })
    expect(
      (await world.post('/api/v1/jobs/queue/control', { domain: 'a', queue: 'b', action: 'pause' }, as(token))).status,
    ).toBe(200)
    const [record] = await world.sql<{ caller: string }[]>`select caller from job_operations order by id desc limit 1`
    expect(record?.caller).toBe(idOf('eve'))
    expect((await ask(token)).body).toMatchObject({ name: 'single-user', principal: idOf('eve') })
  })

  it('opens no session, which would outlive it', async () => {
    expect(await openBrowser(world.url).logIn(await sign())).toMatchObject({ status: 403 })
  })

  it('of a blocked caller is refused at once, on every server, until the block ends; both are on record', async () => {
    const admin = as(await sign({ groups: ['admins'], sub: 'boss' }))
    const token = await sign({ sub: 'mallory' })
    const change = (action: string, id: string) => world.post(`/api/v1/callers/${action}`, { caller: id }, admin)
    expect(await change('block', idOf('mallory'))).toMatchObject({ status: 200, body: { changed: true } })
    expect(await change('block', idOf('mallory'))).toMatchObject({ status: 200, body: { changed: false } })
    expect(await ask(token)).toMatchObject({ status: 403, body: { detail: expect.stringContaining('is blocked') } })
    expect((await ask(await sign({ sub: 'ann' }))).status).toBe(200)
    const { body } = await world.call('GET', '/api/v1/callers', undefined, admin)
    expect(body).toMatchObject([{ id: idOf('mallory'), blocked_at: expect.any(String) }])
    expect(await change('unblock', idOf('mallory'))).toMatchObject({ body: { changed: true } })
    expect((await ask(token)).status).toBe(200)
    expect(await change('block', 'ffffffffffff')).toMatchObject({ status: 422 })
    const acts = await world.sql<
      { kind: string }[]
    >`select kind from job_operations where kind like 'caller.%' order by id`
    expect(acts.map((act) => act.kind)).toEqual(['caller.blocked', 'caller.unblocked'])

    const shell = (...argv: string[]) => runServer(['callers', ...argv], { ...world.env, ...env })
    expect(await shell('block', 'mallory')).toMatchObject({ code: 0, out: `${idOf('mallory')} is blocked\n` })
    expect((await ask(token)).status).toBe(403)
    expect((await shell('list')).out).toContain(idOf('mallory'))
    expect(await shell('unblock', idOf('mallory'))).toMatchObject({ code: 0 })
    expect((await ask(token)).status).toBe(200)
  })

  it.each(['/api/v1/jobs/events/stream', '/api/v1/jobs/stats/stream'])(
    'that is blocked ends its stream: %s',
    async (path) => {
      const response = await fetch(`${world.url}${path}`, {
        headers: { authorization: `Bearer ${await sign({ sub: 'watcher' })}` },
      })
      expect(response.status).toBe(200)
      const reading = (async () => {
        for await (const _ of response.body ?? []);
      })()
      const admin = as(await sign({ groups: ['admins'], sub: 'boss' }))
      await world.post('/api/v1/callers/block', { caller: idOf('watcher') }, admin)
      await reading
      await world.post('/api/v1/callers/unblock', { caller: idOf('watcher') }, admin)
    },
  )
})

describe('single sign-on', () => {
  it('is 503, and never open, while the provider is away; tokens of jobs-server work on', async () => {
    const key = await newKey('k')
    const provider = await startProvider({ keys: [key] })
    await provider.stop()
    const world = await openWorld('postgres', {
      AUTH_MODE: 'multi_user',
      JOBS_OIDC_ISSUER: provider.issuer,
      JOBS_OIDC_AUDIENCE: audience,
      JOBS_OIDC_ROLES: roles,
    })
    try {
      const token = await signed({ key, claims: { iss: provider.issuer } })
      const answer = await world.call('GET', caller, undefined, bearer(token))
      expect(answer).toMatchObject({ status: 503, body: { code: 'sign_on_unavailable' } })
      expect(answer.headers['retry-after']).toBe('60')
      expect(
        (await world.call('GET', caller, undefined, bearer(await makeToken(world.sql, 'a', 'viewer')))).status,
      ).toBe(200)
    } finally {
      await world.stop()
    }
  })

  it.each<[string, Record<string, string>]>([
    ['JOBS_OIDC_ROLES', { JOBS_OIDC_ROLES: '' }],
    ['JOBS_OIDC_ROLES', { JOBS_OIDC_ROLES: '[{"claim": "a", "value": "b", "role": "boss"}]' }],
    [
      'JOBS_OIDC_ROLES',
      { JOBS_OIDC_ROLES: '[{"claim": "a", "value": "b", "role": "admin", "scope": {"domains": ["a"]}}]' },
    ],
    ['JOBS_OIDC_ISSUER', { JOBS_OIDC_ISSUER: 'http://idp.example' }],
    ['JOBS_OIDC_ISSUER', { JOBS_OIDC_ISSUER: '' }],
    ['JOBS_OIDC_CLIENT_ID or JOBS_OIDC_AUDIENCE', { JOBS_OIDC_AUDIENCE: '' }],
    ['AUTH_MODE=multi_user', { AUTH_MODE: 'single_user' }],
  ])('does not start without %s', async (what, wrong) => {
    const right = {
      AUTH_MODE: 'multi_user',
      JOBS_OIDC_ISSUER: 'https://idp.example',
      JOBS_OIDC_AUDIENCE: 'a',
      JOBS_OIDC_ROLES: roles,
    }
    await expect(
      startServer({ ...right, ...wrong, JOBS_DB_URL: 'postgres://127.0.0.1:1/none' }, () => {}),
    ).rejects.toThrow(what)
  })

  it('gives each issuer and subject an id of its own, of 128 characters at most', () => {
    const ids = [
      ...['ann', 'ann@a', 'a nn', 'ä', 'x'.repeat(200), '\n', 'oidc:ann'].map((subject) =>
        singleSignOnId('https://idp.example/a', subject),
      ),
      singleSignOnId('https://idp.example/b', 'ann'),
      singleSignOnId('https://idp.example', 'ann@idp.example/a'),
    ]
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids)
      expect({ id, is: isSingleSignOn(id) && /^[\x21-\x7e]{1,128}$/.test(id) }).toEqual({ id, is: true })
    expect(ids[0]).toBe('oidc:ann@idp.example/a')
  })
})

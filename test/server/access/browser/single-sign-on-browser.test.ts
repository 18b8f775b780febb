import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClientConfiguration } from '../../../../server/auth/oidc/client-configuration.ts'
import { singleSignOnId } from '../../../../server/auth/single-sign-on-id.ts'
import { openBrowser } from '../../../support/access/browser.ts'
import { bearer, makeToken } from '../../../support/access/tokens.ts'
import { kinds, newFolder } from '../../../support/database/database.ts'
import { call } from '../../../support/http.ts'
import { startServer } from '../../../support/programs/built.ts'
import { logInAt } from '../../../support/sign-on/person.ts'
import { client, newKey, startProvider, type TestProvider } from '../../../support/sign-on/provider.ts'
import { openWorld, paths, type World } from '../../../support/world.ts'

const start = '/api/v1/session/sign-on'
const host = 'ops.example'
const callback = 'https://ops.example/jobs/api/v1/session/callback'
const roles = JSON.stringify([{ claim: 'groups', value: 'ops', role: 'operator' }])

describe.each(kinds)('a login by single sign-on on %s', (kind) => {
  let world: World
  let provider: TestProvider
  let env: Record<string, string>
  beforeAll(async () => {
    provider = await startProvider({ keys: [await newKey('k')], groups: ['ops'], redirectUris: [callback] })
    const file = join(await newFolder('sign-on'), 'client-secret')
    await writeFile(file, `${client.secret}\n`, { mode: 0o600 })
    env = {
      ...{ AUTH_MODE: 'multi_user', JOBS_PUBLIC_URL: 'https://ops.example/jobs', JOBS_OIDC_ISSUER: provider.issuer },
      ...{ JOBS_OIDC_CLIENT_ID: client.id, JOBS_OIDC_CLIENT_SECRET_FILE: file, JOBS_OIDC_ROLES: roles },
    }
    world = await openWorld(kind, env)
  })
  afterAll(async () => {
    await world?.stop()
    await provider?.stop()
  })

  const cookiesOf = (set: string | undefined) => (set ?? '').split(/,(?=[\w-]+=)/)
  const pairOf = (set: string | undefined) => set?.split(';')[0] ?? ''
  const get = (path: string, cookie = '', more: Record<string, string> = {}) =>
    call({ url: world.url, method: 'GET', path, headers: { host, ...(cookie && { cookie }), ...more } })
  const begin = async () => {
    const { status, headers } = await get(start)
    expect(status).toBe(302)
    return { url: headers.location ?? '', cookie: pairOf(headers['set-cookie']), set: headers['set-cookie'] ?? '' }
  }
  const pathOf = (url: string) => url.replace('https://ops.example/jobs', '')
  /** Goes through the whole login, and returns the cookie of the session. */
  async function logIn(name: string) {
    const { url, cookie } = await begin()
    const back = await logInAt(url, { name, returnsTo: callback })
    const answer = await get(pathOf(back), cookie, { 'sec-fetch-site': 'cross-site' })
    expect(answer.status).toBe(200)
    return { answer, back, cookie, session: pairOf(cookiesOf(answer.headers['set-cookie'])[0]) }
  }

  it('sends the browser to the provider with PKCE, state and nonce, and comes back to a page of the server and a session', async () => {
    const { url, set } = await begin()
    const query = Object.fromEntries(new URL(url).searchParams)
    expect(query).toMatchObject({
      client_id: client.id,
      response_type: 'code',
      redirect_uri: callback,
      code_challenge_method: 'S256',
      scope: 'openid groups',
    })
    for (const name of ['state', 'nonce', 'code_challenge']) expect(query[name]).toMatch(/^[\w-]{43}$/)
    expect(set).toMatch(/^__Host-jobs_login_\w{8}=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/)

    const { answer, session } = await logIn('ann')
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': expect.stringContaining("script-src 'self'"),
      'cache-control': 'no-store',
    })
    expect(answer.body).toContain('<a href="/jobs/ui/">')
    const [strict, forgotten] = cookiesOf(answer.headers['set-cookie'])
    expect(strict).toMatch(/^__Host-jobs_session_\w{8}=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
    expect(forgotten).toMatch(/^__Host-jobs_login_\w{8}=; Max-Age=0; /)

    const id = singleSignOnId(provider.issuer, 'ann')
    const shown = await get('/api/v1/session', session)
    expect(shown.body).toMatchObject({
      ways: ['token', 'single_sign_on'],
      caller: { id, principal: id, role: 'operator', session: {} },
    })
    expect((await get(paths.stats, session)).status).toBe(200)
    const [record] = await world.sql<{ caller: string; filters: object }[]>`
      select caller, filters from job_operations where kind = 'session.opened' order by id desc limit 1`
    expect(record).toMatchObject({ caller: id, filters: { way: 'single_sign_on', principal: id } })
    expect(JSON.stringify([world.log, record])).not.toContain(client.secret)
  })

  it('names who made the mark before a failure to others by the name of the login, and by its id to a viewer', async () => {
    const [{ session: ann }, { session: bob }] = [await logIn('ann'), await logIn('bob')]
    const browser = openBrowser(world.url)
    const marked = await browser.call('POST', '/api/v1/jobs/marks', { text: 'deploy 4711' }, { host, cookie: ann })
    expect(marked.status).toBe(201)
    const place = { domain: 'marked', queue: 'high' }
    await world.jobs(4, { ...place, status: 'failed', days: 0 })
    await world.sql`
      insert into jobsctl_history_minutes (starts, domain, queue, job_type, from_status, to_status, jobs, milliseconds)
      values (date_trunc('minute', now()), 'marked', 'high', 'a', 'processing', 'failed', 4, 0)`
    const path = `/api/v1/jobs/overview?${new URLSearchParams(place)}`
    const byOf = (body: unknown) => Object(body).attention[0]?.mark?.by
    const id = singleSignOnId(provider.issuer, 'ann')
    const [known] = await world.sql<{ name: string }[]>`select name from jobsctl_callers where id = ${id}`
    expect(known?.name).not.toBe(id)
    expect(byOf((await get(path, bob)).body)).toBe(known?.name)
    const viewer = bearer(await makeToken(world.sql, 'wall', 'viewer'))
    expect(byOf((await get(path, '', viewer)).body)).toBe(id)
  })

  it('is used once: neither the return nor the cookie is taken again', async () => {
    const { back, cookie } = await logIn('bob')
    for (const sent of [cookie, '']) expect((await get(pathOf(back), sent)).status).toBe(403)
  })

  it('ends where it was begun: another browser, another state and a login of a stranger are refused', async () => {
    const [mine, stranger] = [await begin(), await begin()]
    const theirs = await logInAt(stranger.url, { name: 'eve', returnsTo: callback })
    // The stranger sends the victim the end of a login of their own.
    for (const cookie of [
      '',
      mine.cookie,
      mine.cookie.replace('__Host-', ''),
      `${stranger.cookie}; ${stranger.cookie}`,
      stranger.cookie.toLowerCase(),
    ]) {
      const { status, headers } = await get(pathOf(theirs), cookie)
      expect({ cookie, status }).toEqual({ cookie, status: 403 })
      expect(headers).not.toHaveProperty('set-cookie')
    }
    // The wrong state has cost the victim the login that was begun, and nothing else.
    expect((await get(pathOf(theirs), mine.cookie)).status).toBe(403)
    for (const change of [
      (url: URL) => url.searchParams.delete('state'),
      (url: URL) => url.searchParams.set('iss', 'https://idp.example'),
      (url: URL) => url.searchParams.set('code', 'stolen'),
      (url: URL) => url.searchParams.append('state', 'twice'),
      (url: URL) => {
        for (const name of ['code', 'state']) url.searchParams.delete(name)
        url.searchParams.set('error', 'access_denied')
      },
    ]) {
      const { url, cookie } = await begin()
      const back = new URL(await logInAt(url, { name: 'ann', returnsTo: callback }))
      change(back)
      expect({ back: back.search, status: (await get(pathOf(back.href), cookie)).status }).toEqual({
        back: back.search,
        status: 403,
      })
    }
  })

  it('takes ten minutes at most', async () => {
    const { url, cookie } = await begin()
    const back = await logInAt(url, { name: 'ann', returnsTo: callback })
    await world.sql`update jobsctl_logins set begun_at = now() - interval '10 minutes'`
    expect((await get(pathOf(back), cookie)).status).toBe(403)
  })

  it('is of this host alone', async () => {
    expect((await get(start, '', { host: 'evil.example' })).status).toBe(421)
    expect((await get('/api/v1/session/callback?code=x&state=y', '', { host: 'evil.example' })).status).toBe(421)
  })

  it('is not a login for whom is blocked, and a block ends the session', async () => {
    const { session } = await logIn('mallory')
    const id = singleSignOnId(provider.issuer, 'mallory')
    await world.sql`update jobsctl_callers set blocked_at = now() where id = ${id}`
    expect((await get(paths.stats, session)).status).toBe(401)
    const { url, cookie } = await begin()
    const back = await logInAt(url, { name: 'mallory', returnsTo: callback })
    expect(await get(pathOf(back), cookie)).toMatchObject({
      status: 403,
      body: { detail: expect.stringContaining('blocked') },
    })
  })

  it.runIf(kind === 'postgres')(
    'holds on another server, whose map of roles decides there, and a server with another map is noticed',
    async () => {
      const { session } = await logIn('ann')
      const other = async (map: string) => {
        const { url, prepared, stop } = await startServer({ ...world.env, JOBS_OIDC_ROLES: map }, () => {})
        await prepared
        const { status } = await call({ url, method: 'GET', path: paths.stats, headers: { host, cookie: session } })
        await stop()
        return status
      }
      expect(await other(roles)).toBe(200)
      expect(await other(JSON.stringify([{ claim: 'groups', value: 'ops', role: 'producer' }]))).toBe(403)
      expect(await other(JSON.stringify([{ claim: 'groups', value: 'others', role: 'viewer' }]))).toBe(401)
    },
  )

  it.runIf(kind === 'postgres')(
    'of an admin is asked again by single sign-on, and with JOBS_UI=read it changes nothing and ends as early',
    async () => {
      const { session } = await logIn('ann')
      const admins = JSON.stringify([{ claim: 'groups', value: 'ops', role: 'admin' }])
      const asked = async (ui: string) => {
        const { url, prepared, stop } = await startServer(
          { ...world.env, JOBS_OIDC_ROLES: admins, JOBS_UI: ui },
          () => {},
        )
        await prepared
        const browser = openBrowser(url)
        const headers = { host, cookie: session }
        const made = await browser.call('POST', '/api/v1/tokens', { name: 'x', role: 'viewer' }, headers)
        const { body } = await browser.call('GET', '/api/v1/caller', undefined, headers)
        await stop()
        return { made, caller: body }
      }
      await world.sql`update jobsctl_sessions set opened_at = now() - interval '15 minutes'`
      const caller = { session: { idle_seconds: 1800 } }
      expect(await asked('on')).toMatchObject({
        made: {
          status: 403,
          body: { code: 'login_too_old', hint: expect.stringContaining('/api/v1/session/sign-on') },
        },
        caller,
      })
      expect(await asked('read')).toMatchObject({
        made: { status: 403, body: { code: 'forbidden', detail: expect.stringContaining('JOBS_UI=read') } },
        caller,
      })
    },
  )

  it('is 503 while the provider is away, and token and session work on', async () => {
    const { session } = await logIn('ann')
    const { url, prepared, stop } = await startServer(
      {
        ...world.env,
        ...env,
        ...(kind === 'embedded' && { JOBS_DATA_DIR: await newFolder('sign-on') }),
        JOBS_OIDC_ISSUER: 'http://127.0.0.1:1',
      },
      () => {},
    )
    await prepared
    try {
      expect(await openBrowser(url).call('GET', start, undefined, { host })).toMatchObject({
        status: 503,
        body: { code: 'sign_on_unavailable' },
      })
      expect((await get(paths.stats, session)).status).toBe(200)
    } finally {
      await stop()
    }
  })

  it('says so where the provider refuses the secret of this server, or the file of it is gone', async () => {
    const file = join(await newFolder('sign-on'), 'client-secret')
    await writeFile(file, 'the wrong secret\n', { mode: 0o600 })
    const log: string[] = []
    const { url, prepared, stop } = await startServer(
      {
        ...{ ...world.env, ...env, JOBS_OIDC_CLIENT_SECRET_FILE: file },
        ...(kind === 'embedded' && { JOBS_DATA_DIR: await newFolder('sign-on') }),
      },
      (line) => void log.push(line),
    )
    await prepared
    const ask = (path: string, cookie = '') => call({ url, method: 'GET', path, headers: { host, cookie } })
    try {
      const begun = (await ask(start)).headers
      const back = await logInAt(begun.location ?? '', { name: 'ann', returnsTo: callback })
      const { status, body } = await ask(pathOf(back), pairOf(begun['set-cookie']))
      expect({ status, body }).toMatchObject({
        status: 503,
        body: {
          ...{ code: 'sign_on_unavailable', hint: expect.stringContaining('JOBS_OIDC_CLIENT_SECRET_FILE') },
          detail: expect.stringContaining('refuses the client id or the client secret of this server'),
        },
      })
      expect(log.join('\n')).toMatch(/refuses the client id.*JOBS_OIDC_CLIENT_SECRET_FILE\): HTTP 401, /)
      expect(JSON.stringify([log, body])).not.toMatch(/the wrong secret|localhost|node_modules/)
    } finally {
      await stop()
    }
    const gone = createClientConfiguration({
      ...{ issuer: provider.issuer, clientId: client.id, clientSecretFile: `${file}.gone` },
      ...{ audience: undefined, roles: [] },
    })
    await expect(gone.get()).rejects.toMatchObject({
      ...{ code: 'sign_on_unavailable', message: expect.stringContaining('cannot read its client secret') },
      cause: { message: expect.stringMatching(/JOBS_OIDC_CLIENT_SECRET_FILE: no such file/) },
    })
  })

  it('is begun at most 30 times a minute from one address, and such a flood pushes out nobody', async () => {
    const { url, cookie } = await begin()
    await Promise.all(Array.from({ length: 30 }, () => get(start)))
    expect(await get(start)).toMatchObject({
      status: 429,
      headers: { 'retry-after': expect.stringMatching(/^[1-9]\d?$/) },
      body: { code: 'rate_limited', detail: expect.stringContaining('begun logins') },
    })
    const back = await logInAt(url, { name: 'ann', returnsTo: callback })
    expect((await get(pathOf(back), cookie)).status).toBe(200)
  })
})

import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser } from '../../../support/access/browser.ts'
import { makeToken } from '../../../support/access/tokens.ts'
import { call } from '../../../support/http.ts'
import { startServer } from '../../../support/programs/built.ts'
import { openWorld, paths, type World } from '../../../support/world.ts'

type Headers = Record<string, string>
const pause = '/api/v1/jobs/queue/control'
const body = { domain: 'a', queue: 'b', action: 'pause' }
const confirmed: Headers = { 'x-confirm': 'true' }

/** What a page of another site, or a stranger on the way, can make of a browser that is logged in. */
const forged: [what: string, headers: Headers, status: number, sent?: unknown][] = [
  ['a form', { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'cross-site' }, 403, 'domain=a'],
  [
    'a form of an old browser',
    { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://evil.example' },
    403,
    'domain=a',
  ],
  ['a fetch', { ...confirmed, 'sec-fetch-site': 'cross-site' }, 403],
  ['a fetch of a sister site', { ...confirmed, 'sec-fetch-site': 'same-site' }, 403],
  [
    'a fetch with the origin of the server in it',
    { ...confirmed, 'sec-fetch-site': 'cross-site', origin: 'https://ops.example' },
    403,
  ],
  ['a fetch with another origin', { ...confirmed, origin: 'https://ops.example.evil.example' }, 403],
  ['the origin of another port', { ...confirmed, origin: 'https://ops.example:8443' }, 403],
  ['the origin without TLS', { ...confirmed, origin: 'http://ops.example' }, 403],
  ['an origin with a path', { ...confirmed, origin: 'https://ops.example/jobs' }, 403],
  ['Origin: null', { ...confirmed, origin: 'null' }, 403],
  ['no origin at all', confirmed, 403],
  ['an address that somebody typed', { ...confirmed, 'sec-fetch-site': 'none' }, 403],
  ['a word that no browser sends', { ...confirmed, 'sec-fetch-site': 'Same-Origin' }, 403],
  ['two words', { ...confirmed, 'sec-fetch-site': 'same-origin, cross-site' }, 403],
  ['text/plain', { ...confirmed, 'sec-fetch-site': 'same-origin', 'content-type': 'text/plain' }, 415],
  [
    'a form on a page of the server',
    { ...confirmed, 'sec-fetch-site': 'same-origin', 'content-type': 'multipart/form-data' },
    415,
  ],
  ['no confirmation', { 'sec-fetch-site': 'same-origin' }, 400],
  ['another host', { ...confirmed, 'sec-fetch-site': 'same-origin', host: 'rebound.evil.example' }, 421],
  [
    'a host that begins as ours',
    { ...confirmed, 'sec-fetch-site': 'same-origin', host: 'ops.example.evil.example' },
    421,
  ],
  ['our host on another port', { ...confirmed, 'sec-fetch-site': 'same-origin', host: 'ops.example:8080' }, 421],
  [
    'a host that looks like a loopback name',
    { ...confirmed, 'sec-fetch-site': 'same-origin', host: 'localhost.evil.example' },
    421,
  ],
  [
    'a host with a number that is no loopback',
    { ...confirmed, 'sec-fetch-site': 'same-origin', host: '128.0.0.1' },
    421,
  ],
]

describe('with the cookie of a session', () => {
  let world: World
  let token = ''
  const host = 'ops.example'
  beforeAll(async () => {
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user', JOBS_PUBLIC_URL: 'https://ops.example/jobs' })
    token = await makeToken(world.sql, 'ann', 'operator')
  })
  afterAll(() => world?.stop())

  async function browser() {
    const opened = openBrowser(world.url)
    expect((await opened.logIn(token, { host })).status).toBe(201)
    return opened
  }
  const send = (method: string, path: string, headers: Headers, sent: unknown = body) =>
    call({ url: world.url, method, path, headers: { host, ...headers }, ...(method !== 'GET' && { body: sent }) })
  const paused = () => world.sql`select from job_queue_controls where paused`

  it('a page of the server makes the change, by its metadata or by its origin, and from the same machine', async () => {
    const { cookie } = await browser()
    for (const headers of [
      { 'sec-fetch-site': 'same-origin' },
      { origin: 'https://ops.example' },
      { host: 'localhost:8787', origin: 'http://localhost:8787' },
      { host: '[::1]:8787', 'sec-fetch-site': 'same-origin' },
      { host: 'OPS.example:443', 'sec-fetch-site': 'same-origin' },
    ]) {
      expect((await send('POST', pause, { cookie, ...confirmed, ...headers })).status).toBe(200)
      expect(await paused()).toHaveLength(1)
      await world.sql`delete from job_queue_controls`
    }
  })

  it.each(forged)('%s changes nothing', async (_what, headers, status, sent) => {
    const { cookie } = await browser()
    for (const path of [pause, `/jobs${pause}`]) {
      const answer = await send('POST', path, { cookie, ...headers }, sent)
      expect(answer.status).toBe(status)
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
    }
    expect(await paused()).toHaveLength(0)
  })

  it.each(forged)(
    '%s logs nobody in: a stranger would see what the user does',
    async (_what, headers, status, sent) => {
      const answer = await send('POST', '/api/v1/session', headers, sent ?? { key: token })
      expect(answer.status).toBe(status)
      expect(answer.headers).not.toHaveProperty('set-cookie')
    },
  )

  it('another site reads nothing, not even by a link that makes the browser send the cookie', async () => {
    const { cookie } = await browser()
    for (const site of ['cross-site', 'same-site'])
      expect((await send('GET', paths.stats, { cookie, 'sec-fetch-site': site })).status).toBe(403)
    for (const headers of [{}, { 'sec-fetch-site': 'none' }])
      expect((await send('GET', paths.stats, { cookie, ...headers })).status).toBe(200)
    const preflight = await send('OPTIONS', paths.prune, {
      cookie,
      origin: 'https://evil.example',
      'access-control-request-method': 'POST',
    })
    expect(preflight.status).toBeGreaterThanOrEqual(400)
    expect(Object.keys(preflight.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  it('the cookie is of this host alone, and only over TLS', async () => {
    expect((await browser()).setCookie).toMatch(
      /^__Host-jobs_session_[0-9a-f]{8}=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    )
  })

  it.each<[string, (cookie: string) => string]>([
    ['in lower case', (cookie) => cookie.toLowerCase()],
    ['with a prefix in lower case', (cookie) => cookie.replace('__Host-', '__host-')],
    ['without its prefix', (cookie) => cookie.replace('__Host-', '')],
    ['twice', (cookie) => `${cookie}; ${cookie}`],
    ['before another of its name', (cookie) => `${cookie}; ${cookie.slice(0, cookie.indexOf('='))}=x`],
    ['with another name after a blank', (cookie) => `a=b; x ${cookie}`],
    ['with another value', (cookie) => `${cookie.slice(0, -1)}${cookie.endsWith('A') ? 'B' : 'A'}`],
    ['with a part of its value', (cookie) => cookie.slice(0, -1)],
    ['with more than its value', (cookie) => `${cookie}A`],
    ['in quotes', (cookie) => cookie.replace(/=(.*)$/, '="$1"')],
    ['with the hash in place of its value', (cookie) => cookie.replace(/=.*$/, `=${'a'.repeat(64)}`)],
    ['without a value', (cookie) => cookie.replace(/=.*$/, '=')],
    ['of a stranger who chose it', (cookie) => cookie.replace(/=.*$/, `=${'A'.repeat(43)}`)],
    ['of 12 kB', (cookie) => cookie.replace(/=.*$/, `=${'x'.repeat(12_000)}`)],
  ])('%s is refused', async (_what, changed) => {
    const { cookie } = await browser()
    const { status, body: answer } = await send('GET', paths.stats, { cookie: changed(cookie) })
    expect({ status, answer }).toMatchObject({ status: 401, answer: { code: 'unauthenticated' } })
  })

  it('is found among a hundred others, and cookies of 100 kB are no crash', async () => {
    const { cookie } = await browser()
    const others = Array.from({ length: 100 }, (_, nth) => `other_${nth}=${nth}`)
    expect((await send('GET', paths.stats, { cookie: [...others, cookie, ' =', ';', 'x'].join(';') })).status).toBe(200)
    expect((await rawStatus(`Cookie: ${'a=b; '.repeat(20_000)}`)).slice(9, 12)).toBe('431')
  })

  const rawStatus = (line: string) =>
    new Promise<string>((resolve, reject) => {
      const { hostname, port } = new URL(world.url)
      const socket = connect(Number(port), hostname, () =>
        socket.write(`GET ${paths.stats} HTTP/1.1\r\nHost: ${host}\r\n${line}\r\n\r\n`),
      )
      let text = ''
      socket.on('data', (data) => {
        text += data
      })
      socket.on('close', () => resolve(text)).on('error', (error) => (text ? resolve(text) : reject(error)))
      socket.setTimeout(30_000, () => socket.destroy())
    })

  it('a login makes a new one: the session that a stranger put into the browser is not the one of the user', async () => {
    const stranger = await browser()
    const victim = openBrowser(world.url)
    victim.cookie = stranger.cookie
    expect((await victim.logIn(token, { host })).status).toBe(201)
    expect(victim.cookie).not.toBe(stranger.cookie)
    expect((await send('GET', paths.stats, { cookie: stranger.cookie })).status).toBe(401)
    expect((await send('GET', paths.stats, { cookie: victim.cookie })).status).toBe(200)
  })

  it('of another server nobody gets in', async () => {
    const other = await openWorld('postgres', { AUTH_MODE: 'multi_user', JOBS_PUBLIC_URL: 'https://ops.example/jobs' })
    try {
      const there = openBrowser(other.url)
      await there.logIn(await makeToken(other.sql, 'ann', 'admin'), { host })
      expect(there.cookie).toMatch(/^__Host-/)
      expect((await send('GET', paths.stats, { cookie: there.cookie })).status).toBe(401)
    } finally {
      await other.stop()
    }
  })

  it('a program with a token is not hindered: it goes by the token, under every host and from everywhere', async () => {
    const { cookie } = await browser()
    const authorization = `Bearer ${token}`
    for (const headers of [
      { host: 'jobs.internal:8787' },
      { origin: 'https://evil.example' },
      { cookie, 'sec-fetch-site': 'cross-site' },
    ]) {
      expect((await send('GET', paths.stats, { authorization, ...headers })).status).toBe(200)
      expect((await send('POST', pause, { authorization, ...headers })).status).toBe(200)
    }
    expect(
      (await send('GET', paths.stats, { cookie, authorization: `Bearer jobs_${'0'.repeat(12)}_${'x'.repeat(43)}` }))
        .status,
    ).toBe(401)
    expect((await send('GET', paths.stats, { cookie, authorization: 'Basic YTpi' })).status).toBe(200)
    await world.sql`delete from job_queue_controls`
  })

  it('under the base path the whole API is there, and without it, too; another beginning is no path', async () => {
    const authorization = `Bearer ${token}`
    for (const path of ['/healthz', '/readyz', '/openapi.json', '/api/v1/jobs/stats?domain=a', '/api/v1/jobs/4711']) {
      const [plain, based] = [
        await send('GET', path, { authorization }),
        await send('GET', `/jobs${path}`, { authorization }),
      ]
      expect({ path, status: based.status }).toEqual({ path, status: plain.status })
    }
    for (const path of [
      '/job/api/v1/jobs/stats',
      '/jobs/jobs/api/v1/jobs/stats',
      '/jobsapi/v1/jobs/stats',
      '/x/jobs/api/v1/jobs/stats',
    ])
      expect((await send('GET', path, { authorization })).status).toBe(404)
    expect((await send('GET', '/jobs/api/v1/jobs/stats', {})).status).toBe(401)
    const { headers } = await send(
      'POST',
      '/jobs/api/v1/jobs/prune',
      { authorization, ...confirmed, prefer: 'respond-async' },
      { domain: 'none' },
    )
    expect(headers.location).toMatch(/^\/jobs\/api\/v1\/jobs\/operations\/\d+$/)
  })
})

describe('without JOBS_PUBLIC_URL', () => {
  it('browsers log in on the machine of the server alone, and not through a proxy', async () => {
    const world = await openWorld('postgres')
    const browser = openBrowser(world.url)
    try {
      expect((await browser.logIn(world.key, { host: '192.0.2.7:8787' })).status).toBe(421)
      expect(await browser.logIn(world.key, { host: 'ops.example' })).toMatchObject({
        status: 421,
        body: { detail: expect.stringContaining('browsers reach this server on its own machine as localhost') },
      })
      for (const name of ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-proto'])
        expect((await browser.logIn(world.key, { [name]: '1' })).status).toBe(403)
      for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1', '127.8.8.8:80', '[::1]:8787']) {
        expect((await browser.logIn(world.key, { host })).status).toBe(201)
        expect((await browser.call('GET', paths.stats, undefined, { host })).status).toBe(200)
      }
      expect(await world.call('GET', paths.stats, undefined, { host: 'ops.example' })).toMatchObject({ status: 200 })
    } finally {
      await world.stop()
    }
  })

  it.each([
    'http://ops.example',
    'https://ops.example/api',
    'https://a:b@ops.example',
    'https://ops.example/?x',
    'ops.example',
  ])('a server refuses %s as its public URL', async (url) => {
    await expect(startServer({ JOBS_PUBLIC_URL: url }, () => {})).rejects.toThrow(
      /JOBS_PUBLIC_URL: must be the https URL/,
    )
  })
})

describe('every response', () => {
  it('keeps a browser from doing anything with it: of a call, an error, a probe, and no request at all', async () => {
    const world = await openWorld('postgres', { JOBS_METRICS: 'on' })
    try {
      const answers = await Promise.all([
        ...['/healthz', '/readyz', '/openapi.json', '/nowhere', paths.stats, '/metrics', '/api/v1/session'].map(
          (path) => world.call('GET', path),
        ),
        ...[world.call('GET', paths.stats, undefined, { 'x-api-key': '' }), world.post(paths.prune, 'x')],
        world.call('HEAD', '/api/v1/jobs/events/stream'),
      ])
      for (const { headers } of answers) {
        expect(headers).toMatchObject({
          'content-security-policy': expect.stringContaining("default-src 'none'; script-src 'self'"),
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
          'cross-origin-opener-policy': 'same-origin',
          'cache-control': 'no-store',
        })
        expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
      }
    } finally {
      await world.stop()
    }
  })
})

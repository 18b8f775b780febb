import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deleteEndedSessions } from '../../../../server/auth/sessions/session-store.ts'
import { setRole } from '../../../../server/auth/set-grant.ts'
import { createToken } from '../../../../server/auth/tokens.ts'
import type { Grant } from '../../../../shared/access/rights.ts'
import { openBrowser, sessionOf } from '../../../support/access/browser.ts'
import { bearer, idOf, makeToken } from '../../../support/access/tokens.ts'
import { kinds } from '../../../support/database/database.ts'
import { until } from '../../../support/poll.ts'
import { startServer } from '../../../support/programs/built.ts'
import { openWorld, paths, type World } from '../../../support/world.ts'

const end = '/api/v1/session/end'
const mine = '/api/v1/session'
const caller = '/api/v1/caller'

describe.each(kinds)('a session on %s', (kind) => {
  let world: World
  let admin: Record<string, string>
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
    admin = bearer(await makeToken(world.sql, 'boss', 'admin'))
  })
  afterAll(() => world?.stop())

  async function loggedIn(token: string) {
    const browser = openBrowser(world.url)
    const answer = await browser.logIn(token)
    expect(answer.status).toBe(201)
    return { browser, answer, id: sessionOf(answer) }
  }
  const newSession = async (role: Parameters<typeof makeToken>[2] = 'viewer') => {
    const token = await makeToken(world.sql, `a ${role}`, role)
    return { token, ...(await loggedIn(token)) }
  }
  /** Moves the login, or the last call, of a session into the past. */
  const age = (id: string, column: 'opened_at' | 'seen_at', minutes: number) =>
    world.sql`update jobsctl_sessions set ${world.sql(column)} = now() - ${minutes}::int * interval '1 minute' where left(id_hash, 12) = ${id}`

  it('is opened with a token in a body, calls by its cookie alone, and says whose it is and when it ends', async () => {
    const { token, browser, answer, id } = await newSession('operator')
    expect(browser.setCookie).toMatch(/^jobs_session_[0-9a-f]{8}=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/)
    expect(answer.body).toMatchObject({ id: idOf(token), role: 'operator', session: { id, idle_seconds: 43_200 } })
    expect((await browser.call('GET', paths.stats)).status).toBe(200)
    const shown = await browser.call('GET', mine)
    expect(shown).toMatchObject({
      status: 200,
      body: { ways: ['token'], caller: { id: idOf(token), session: { id } } },
    })
    expect((await browser.call('GET', caller)).body).toMatchObject({ id: idOf(token), session: { id } })
    expect((await openBrowser(world.url).call('GET', mine)).body).toEqual({ ways: ['token'], caller: null })
    expect((await openBrowser(world.url).call('GET', paths.stats)).status).toBe(401)
  })

  it('leaves no secret: not of the token, and not of the session, in table, log, record or answer', async () => {
    const { token, browser, answer } = await newSession('admin')
    const records = await world.call('GET', '/api/v1/jobs/operations?kind=session.opened', undefined, admin)
    const opened = { caller: idOf(token), filters: expect.objectContaining({ way: 'token', address: '127.0.0.1' }) }
    expect(records.body).toEqual(expect.arrayContaining([expect.objectContaining(opened)]))
    const everywhere = JSON.stringify([
      answer.body,
      records.body,
      world.log,
      await world.sql`select * from jobsctl_sessions`,
    ])
    for (const secret of [token.split('_').slice(2).join('_'), browser.cookie.split('=')[1] ?? '']) {
      expect(secret).toHaveLength(43)
      expect(everywhere).not.toContain(secret)
    }
  })

  it('ends by logout, for its own cookie at once, and everywhere for all browsers of its caller', async () => {
    const { token, browser } = await newSession()
    const { cookie } = browser
    const others = [await loggedIn(token), await loggedIn(token)]
    const foreign = await newSession()
    expect((await browser.call('POST', end, {}, { 'x-confirm': '' })).status).toBe(400)
    const ended = await browser.call('POST', end, {})
    expect(ended).toMatchObject({ status: 200, body: { ended: 1 } })
    expect(browser.setCookie).toMatch(/^jobs_session_\w+=; Max-Age=0; /)
    expect((await browser.call('GET', paths.stats, undefined, { cookie })).status).toBe(401)
    expect((await others[0]?.browser.call('GET', paths.stats))?.status).toBe(200)
    expect(await others[1]?.browser.call('POST', end, { everywhere: true })).toMatchObject({ body: { ended: 2 } })
    expect((await others[0]?.browser.call('GET', paths.stats))?.status).toBe(401)
    expect((await foreign.browser.call('GET', paths.stats)).status).toBe(200)
    expect(await world.post(end, {}, bearer(token))).toMatchObject({ status: 409 })
    await loggedIn(token)
    expect(await world.post(end, { everywhere: true }, bearer(token))).toMatchObject({ body: { ended: 1 } })
    expect(await world.call('GET', '/api/v1/jobs/operations/verify', undefined, admin)).toMatchObject({
      body: { ok: true },
    })
  })

  it('has the rights that its token has now, and ends with it', async () => {
    for (const action of ['suspend', 'revoke']) {
      const { token, browser } = await newSession()
      await setRole(world.sql, idOf(token), { role: 'auditor', may_enqueue: false })
      expect((await browser.call('GET', paths.stats)).status).toBe(403)
      expect((await browser.call('GET', '/api/v1/jobs/operations')).status).toBe(200)
      expect((await world.post(`/api/v1/tokens/${idOf(token)}/${action}`, {}, admin)).status).toBe(200)
      expect((await browser.call('GET', '/api/v1/jobs/operations')).status).toBe(401)
    }
  })

  it('ends with the secret that it was opened with: at a rotation without overlap, and after the overlap', async () => {
    const { token, browser } = await newSession()
    const rotate = (overlap_seconds: number) =>
      world.post(`/api/v1/tokens/${idOf(token)}/rotate`, { overlap_seconds }, admin)
    await rotate(3600)
    expect((await browser.call('GET', paths.stats)).status).toBe(200)
    await rotate(0)
    expect((await browser.call('GET', paths.stats)).status).toBe(401)
  })

  it('ends when it is idle for 12 hours and after 7 days, of an admin after 30 minutes and 8 hours', async () => {
    for (const [role, column, minutes] of [
      ['viewer', 'seen_at', 12 * 60],
      ['viewer', 'opened_at', 7 * 24 * 60],
      ['admin', 'seen_at', 30],
      ['admin', 'opened_at', 8 * 60],
    ] as const) {
      const { browser, id } = await newSession(role)
      const status = async () => (await browser.call('GET', caller)).status
      await age(id, column, minutes - 2)
      expect({ role, column, status: await status() }).toEqual({ role, column, status: 200 })
      await age(id, column, minutes)
      expect({ role, column, status: await status() }).toEqual({ role, column, status: 401 })
    }
  })

  it('is used by a call, which makes it young again; the terms are those of the role now', async () => {
    const { token, browser, id } = await newSession()
    await age(id, 'seen_at', 60)
    expect((await browser.call('GET', caller)).status).toBe(200)
    await setRole(world.sql, idOf(token), { role: 'admin', may_enqueue: false })
    expect((await browser.call('GET', caller)).status).toBe(200)
    await age(id, 'opened_at', 9 * 60)
    expect((await browser.call('GET', caller)).status).toBe(401)
  })

  it('asks for another login after 15 minutes before a change of tokens or an erasure, and for no other call', async () => {
    const { token, browser, id } = await newSession('admin')
    const make = () => browser.call('POST', '/api/v1/tokens', { name: 'made', role: 'viewer' })
    const erase = (dry_run: boolean) => browser.call('POST', '/api/v1/jobs/erase', { owner_user_id: 'nobody', dry_run })
    expect((await make()).status).toBe(201)
    await age(id, 'opened_at', 15)
    expect(await make()).toMatchObject({
      status: 403,
      body: { code: 'login_too_old', hint: expect.stringContaining('log in') },
    })
    expect(await erase(false)).toMatchObject({ status: 403, body: { code: 'login_too_old' } })
    expect((await erase(true)).status).toBe(200)
    expect((await browser.call('GET', '/api/v1/tokens')).status).toBe(200)
    expect(
      (await browser.call('POST', '/api/v1/jobs/queue/control', { domain: 'a', queue: 'b', action: 'pause' })).status,
    ).toBe(200)
    const { cookie } = browser
    expect((await browser.logIn(token)).status).toBe(201)
    expect((await make()).status).toBe(201)
    expect((await browser.call('GET', caller, undefined, { cookie })).status).toBe(401)
  })

  it.each(['/api/v1/jobs/events/stream', '/api/v1/jobs/stats/stream'])(
    'that ends takes its streams along, and leaves those of the other sessions of its token: %s',
    async (path) => {
      const { token, browser } = await newSession()
      const other = await loggedIn(token)
      const open = async (cookie: string) => {
        const response = await fetch(`${world.url}${path}`, { headers: { cookie } })
        expect(response.status).toBe(200)
        let ended = false
        const reading = (async () => {
          for await (const _ of response.body ?? []);
          ended = true
        })()
        return { reading, ended: () => ended, headers: response.headers }
      }
      const [first, second] = [await open(browser.cookie), await open(other.browser.cookie)]
      expect(first.headers.get('cache-control')).toBe('no-store')
      await browser.call('POST', end, {})
      await first.reading
      expect(second.ended()).toBe(false)
      expect((await world.post(`/api/v1/tokens/${idOf(token)}/revoke`, {}, admin)).status).toBe(200)
      await second.reading
    },
  )

  it('is one of 20 of its caller at most: a further login ends the one that was used least recently', async () => {
    const { token, browser, id } = await newSession()
    const kept = await loggedIn(token)
    await age(id, 'seen_at', 5)
    for (let nth = 0; nth < 19; nth++) await loggedIn(token)
    expect(await world.sql`select from jobsctl_sessions where caller = ${idOf(token)}`).toHaveLength(20)
    expect((await browser.call('GET', caller)).status).toBe(401)
    expect((await kept.browser.call('GET', caller)).status).toBe(200)
  })

  it('is deleted when its time is over, and sessions have a row in doctor', async () => {
    const { id } = await newSession()
    const kept = await newSession()
    await age(id, 'seen_at', 12 * 60 + 1)
    await deleteEndedSessions(world.sql)
    const names = async () =>
      (await world.sql<{ name: string }[]>`select left(id_hash, 12) as name from jobsctl_sessions`).map(
        ({ name }) => name,
      )
    expect(await names()).not.toContain(id)
    expect(await names()).toContain(kept.id)
    const { body } = await world.call('GET', '/api/v1/jobs/storage', undefined, admin)
    expect(body).toMatchObject({
      tables: expect.arrayContaining([expect.objectContaining({ table: 'jobsctl_sessions', days: 7 })]),
    })
  })

  it('goes on while the database is frozen, so that people can look', async () => {
    await world.sql`insert into jobsctl_settings (name, value) values ('freeze', '{"by": "x", "since": "2026-01-01T00:00:00Z", "reason": "r"}')`
    try {
      const { browser } = await newSession('operator')
      expect((await browser.call('POST', paths.prune, {})).status).toBe(403)
      expect((await browser.call('POST', end, {})).status).toBe(200)
    } finally {
      await world.sql`delete from jobsctl_settings where name = 'freeze'`
    }
  })

  it.runIf(kind === 'postgres')('is one on every server of the database, and ends on all of them', async () => {
    const { url, prepared, stop } = await startServer(world.env, () => {})
    await prepared
    try {
      const { token } = await newSession()
      // One public name for both: without one, a cookie belongs to the port.
      const host = new URL(world.url).host
      const { browser } = await loggedIn(token)
      const there = openBrowser(url)
      const status = async () => (await there.call('GET', caller, undefined, { cookie: browser.cookie, host })).status
      expect(await status()).toBe(200)
      await browser.call('POST', end, {})
      await until('the session has ended there', async () => (await status()) === 401)
    } finally {
      await stop()
    }
  })
})

it('a session with JOBS_UI=read has the terms of all rights of its token, and says why it changes nothing', async () => {
  const world = await openWorld('postgres', { AUTH_MODE: 'multi_user', JOBS_UI: 'read' })
  const refusedOf = async (grant: Grant, path: string, body: object) => {
    const whole = { ...grant, principal: 'ann', madeBy: 'jobs-server' }
    const { token } = await createToken(world.sql, { name: 'ann', grant: whole, days: 1 })
    const browser = openBrowser(world.url)
    expect((await browser.logIn(token)).body).toMatchObject({ may: expect.not.arrayContaining(['approve', 'govern']) })
    const session = { idle_seconds: grant.role === 'worker' ? 43_200 : 1800 }
    expect((await browser.call('GET', caller)).body).toMatchObject({ session })
    return (await browser.call('POST', path, body)).body
  }
  const reading = { code: 'forbidden', detail: expect.stringContaining('JOBS_UI=read') }
  try {
    const wanted = { name: 'x', role: 'viewer' }
    const admin = { role: 'admin', may_enqueue: false } as const
    expect(await refusedOf(admin, '/api/v1/tokens', wanted)).toMatchObject(reading)
    const viewer = { role: 'viewer', may_enqueue: false, approver: true } as const
    const digest = 'f'.repeat(64)
    expect(await refusedOf(viewer, '/api/v1/jobs/plans/1/approve', { digest })).toMatchObject(reading)
    expect(await refusedOf(viewer, '/api/v1/tokens', wanted)).toMatchObject({
      detail: expect.stringContaining('lacks the right'),
    })
    const job = { domain: 'a', queue: 'b', job_type: 'c', payload: {} }
    expect(await refusedOf({ role: 'worker', may_enqueue: true }, '/api/v1/jobs', job)).toMatchObject(reading)
  } finally {
    await world.stop()
  }
})

describe('a session of the key of single-user mode', () => {
  it('ends when the key is another one, and in multi-user mode', async () => {
    const world = await openWorld('postgres', { SINGLE_USER_API_KEY: 'the-first-key' })
    const host = new URL(world.url).host
    const other = async (env: Record<string, string>) => {
      const { url, prepared, stop } = await startServer({ ...world.env, ...env }, () => {})
      await prepared
      const { status } = await openBrowser(url).call('GET', caller, undefined, { cookie: browser.cookie, host })
      await stop()
      return status
    }
    const browser = openBrowser(world.url)
    try {
      expect(await browser.logIn('a-wrong-key')).toMatchObject({ status: 401 })
      expect(await browser.logIn('the-first-key')).toMatchObject({
        status: 201,
        body: { id: 'single-user', session: { idle_seconds: 1800 } },
      })
      expect((await browser.call('GET', paths.stats)).status).toBe(200)
      expect(await other({})).toBe(200)
      expect(await other({ SINGLE_USER_API_KEY: 'the-second-key' })).toBe(401)
      expect(await other({ AUTH_MODE: 'multi_user' })).toBe(401)
    } finally {
      await world.stop()
    }
  })
})

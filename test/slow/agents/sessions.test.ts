import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { setAgents } from '../../../server/auth/agents/switch.ts'
import { createToken, suspendToken } from '../../../server/auth/tokens.ts'
import type { Grant } from '../../../shared/access/rights.ts'
import { allRights, rightsOf } from '../../../shared/access/rights.ts'
import * as endpoints from '../../../shared/endpoints.ts'
import { makeAgent, openAgent, sessionPath } from '../../support/access/agents.ts'
import { openBrowser } from '../../support/access/browser.ts'
import { doors } from '../../support/access/doors.ts'
import { bearer, idOf, makeToken } from '../../support/access/tokens.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../support/world.ts'

type Headers = Record<string, string>

const off = 'agents are off on this server; nothing was changed'
const refused = { status: 403, body: { code: 'forbidden' } }
/** What an agent may call without a tool. */
const list = '/api/v1/caller'

describe('agents', () => {
  let world: World
  let ann: Headers
  beforeAll(async () => {
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
    ann = bearer(await makeToken(world.sql, 'ann', 'operator'))
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await setAgents(world.sql, true)
  })

  const get = (path: string, as: Headers) => world.call('GET', path, undefined, as)
  const statusOf = async (as: Headers, path = list) => (await get(path, as)).status

  it('are off until an admin says on, which is on record, and off again at once on every server, in sessions and with tokens', async () => {
    await world.sql.begin((tx) => setAgents(tx, false))
    const mender = await makeAgent(world.sql, 'ann')
    expect(await world.post(sessionPath, {}, ann)).toMatchObject({ status: 404, body: { detail: off } })
    expect(await get(list, mender)).toMatchObject({ status: 403, body: { code: 'forbidden', detail: off } })
    expect(await runServer(['agents', 'on'], world.env)).toMatchObject({ code: 0, err: '' })
    const { as } = await openAgent(world.url, ann)
    const other = await startServer({ ...world.env, PORT: '0' }, () => {})
    await other.prepared
    try {
      const statuses = async () =>
        Promise.all(
          [world.url, other.url].flatMap((url) =>
            [as, mender].map(async (headers) => (await call({ url, method: 'GET', path: list, headers })).status),
          ),
        )
      expect(await statuses()).toEqual([200, 200, 200, 200])
      expect((await runServer(['agents', 'off'], world.env)).out).toBe('agents are off: 1 session has ended\n')
      expect(await statuses()).toEqual([401, 403, 401, 403])
    } finally {
      await other.stop()
    }
    expect((await runServer(['agents'], world.env)).out).toBe('agents are off\n')
    expect(await runServer(['agents', 'off'], world.env)).toMatchObject({ out: 'agents are off, as before\n' })
    const kinds = (await world.sql<{ kind: string }[]>`select kind from job_operations order by id`).map(
      ({ kind }) => kind,
    )
    expect(kinds).toEqual(['agents.on', 'agent_session.opened', 'agents.off'])
    await setAgents(world.sql, true)
    // A session that has ended stays so.
    expect(await statusOf(as)).toBe(401)
    expect(await statusOf(mender)).toBe(200)
  })

  it('have a token of a person who is there, for as long as the person is', async () => {
    const admin = bearer(await makeToken(world.sql, 'boss', 'admin'))
    const make = (body: object) => world.post('/api/v1/tokens', { name: 'mender', role: 'agent', ...body }, admin)
    expect(await make({})).toMatchObject({ status: 422, body: { errors: [{ path: 'of' }] } })
    expect(await make({ of: 'nobody' })).toMatchObject({ status: 404 })
    expect(await make({ of: 'zoe', principal: 'zoe' })).toMatchObject({ status: 422 })
    expect(await make({ of: "ann's agent" })).toMatchObject({ status: 404 })
    expect(await make({ of: 'ann', approver: true })).toMatchObject({ status: 422 })
    const zoe = await makeToken(world.sql, 'zoe', 'operator')
    const made = z.object({ id: z.string(), token: z.string() }).parse((await make({ of: 'zoe' })).body)
    expect(await get('/api/v1/caller', bearer(made.token))).toMatchObject({
      body: { role: 'agent', principal: "zoe's agent", may: ['identity', 'read', 'records', 'propose'] },
    })
    expect((await world.call('GET', `/api/v1/tokens/${made.id}`, undefined, admin)).body).toMatchObject({ of: 'zoe' })
    const role = (id: string, to: string) => world.post(`/api/v1/tokens/${id}/role`, { role: to }, admin)
    expect(await role(made.id, 'operator')).toMatchObject({ status: 409 })
    expect(await role(idOf(zoe), 'agent')).toMatchObject({ status: 422 })
    await suspendToken(world.sql, idOf(zoe), { suspended: true })
    expect(await get(list, bearer(made.token))).toMatchObject({ status: 401 })
    const create = (...argv: string[]) => runServer(['token', 'create', 'fixer', ...argv], world.env)
    expect(await create('--role', 'agent')).toMatchObject({ code: 2 })
    expect(await create('--role', 'operator', '--of', 'ann')).toMatchObject({ code: 2 })
    expect(await create('--role', 'agent', '--of', 'zoe')).toMatchObject({ code: 5 })
    const { code, out } = await create('--role', 'agent', '--of', 'ann')
    expect({ code, status: await statusOf(bearer(out.trim())) }).toEqual({ code: 0, status: 200 })
    expect(await runServer(['token', 'set-role', idOf(out), 'admin'], world.env)).toMatchObject({ code: 6 })
  })

  it('have a session that ends with its key, after 12 hours, beyond five, and by itself, and that opens nothing', async () => {
    const token = await makeToken(world.sql, 'ben', 'viewer')
    const first = await openAgent(world.url, bearer(token), {
      name: 'desk-client\u0007\u202e  desktop',
      version: '1.2',
    })
    expect(await get('/api/v1/caller', first.as)).toMatchObject({
      body: { id: idOf(token), role: 'agent', principal: "ben's agent", may: ['identity', 'read', 'records'] },
    })
    const [row] = await world.sql<
      { client: string }[]
    >`select client from jobsctl_agent_sessions where caller = ${idOf(token)}`
    expect(row?.client).toBe('desk-client desktop 1.2')
    expect(await world.post(sessionPath, {}, first.as)).toMatchObject(refused)
    const browser = openBrowser(world.url)
    expect(await browser.logIn((first.as.authorization ?? '').slice(7))).toMatchObject({ status: 401 })
    expect(await browser.logIn(((await makeAgent(world.sql, 'ann')).authorization ?? '').slice(7))).toMatchObject(
      refused,
    )
    await browser.logIn(token)
    expect(await browser.call('POST', sessionPath, {})).toMatchObject(refused)
    // The session of an agent ends none of its person.
    const end = { everywhere: true }
    expect(await world.post('/api/v1/session/end', end, { ...first.as, 'x-confirm': 'true' })).toMatchObject(refused)
    expect((await browser.call('GET', '/api/v1/caller')).status).toBe(200)

    const sessions = [
      first,
      ...(await Promise.all(Array.from({ length: 4 }, () => openAgent(world.url, bearer(token))))),
    ]
    expect(await Promise.all(sessions.map(({ as }) => statusOf(as)))).toEqual([200, 200, 200, 200, 200])
    const [, second] = sessions
    await openAgent(world.url, bearer(token))
    expect(await statusOf(first.as)).toBe(401)
    if (!second) return
    expect(await world.post(`${sessionPath}/end`, {}, second.as)).toMatchObject({ status: 200, body: { ended: 1 } })
    expect(await statusOf(second.as)).toBe(401)
    const old = await openAgent(world.url, bearer(token))
    await world.sql`update jobsctl_agent_sessions set opened_at = now() - interval '12 hours 1 second' where left(id_hash, 12) = ${old.id}`
    expect(await statusOf(old.as)).toBe(401)
    const last = await openAgent(world.url, bearer(token))
    await suspendToken(world.sql, idOf(token), { suspended: true })
    expect(await statusOf(last.as)).toBe(401)
    await suspendToken(world.sql, idOf(token), { suspended: false })
    await world.sql`update jobs_api_tokens set revoked_at = now() where id = ${idOf(token)}`
    expect(await statusOf(last.as)).toBe(401)
  })

  it('get no answer to a read that runs while they are turned off, and its call is kept', async () => {
    const token = await makeToken(world.sql, 'reader', 'operator')
    const mender = await makeAgent(world.sql, 'ann')
    const message = {
      ...{ jsonrpc: '2.0', id: 1, method: 'tools/call' },
      params: { name: 'list_jobs', arguments: {} },
    }
    const accept = { accept: 'application/json, text/event-stream' }
    const isWaiting = async () =>
      (
        await world.sql`
          select from pg_locks join pg_stat_activity using (pid)
          where relation = 'jobs'::regclass and not granted and query like '%jobs.retry_count%'
            and datname = current_database()`
      ).length > 0
    await world.jobs(1, { domain: 'unseen' })
    const answers = []
    for (const read of [
      () => get('/api/v1/jobs/list', mender),
      (session: Headers) => get('/api/v1/jobs/list', session),
      () => world.post('/mcp', message, { ...mender, ...accept }),
      () => get('/api/v1/jobs/list', ann),
    ]) {
      const { as: session } = await openAgent(world.url, bearer(token))
      const { answer } = await world.sql.begin(async (tx) => {
        await tx`lock table jobs in access exclusive mode`
        const answer = read(session)
        await until('the read waits for the lock', isWaiting)
        await setAgents(world.sql, false)
        return { answer }
      })
      answers.push(await answer)
      await setAgents(world.sql, true)
    }
    const [ofToken, ofSession, ofTool, ofPerson] = answers
    expect([ofToken?.status, ofSession?.status, ofPerson?.status]).toEqual([403, 401, 200])
    expect(ofTool).toMatchObject({ body: { result: { isError: true } } })
    expect(JSON.stringify([ofToken, ofSession, ofTool])).not.toContain('unseen')
    const kept = await world.sql`
      select tool, rows::int as rows, failed from jobsctl_agent_calls where caller in ${world.sql([mender, bearer(token)].map((as) => idOf(as.authorization ?? '')))} order by tool, failed`
    expect([...kept]).toEqual([
      { tool: 'GET /api/v1/jobs/list', rows: 0, failed: 'forbidden' },
      { tool: 'GET /api/v1/jobs/list', rows: 0, failed: 'unauthenticated' },
      { tool: 'list_jobs', rows: 0, failed: 'forbidden' },
    ])
  })

  it('are answered 429 beyond 300 calls a minute, in all sessions of a key together', async () => {
    const token = bearer(await makeToken(world.sql, 'busy', 'viewer'))
    const [one, other] = await Promise.all([openAgent(world.url, token), openAgent(world.url, token)])
    const statuses: number[] = []
    for (let round = 0; round < 8; round += 1)
      statuses.push(
        ...(await Promise.all(
          Array.from({ length: 40 }, (_, at) => statusOf((at % 2 ? one : other).as, '/api/v1/caller')),
        )),
      )
    expect(statuses.filter((status) => status === 200)).toHaveLength(300)
    expect(statuses.filter((status) => status === 429)).toHaveLength(20)
    expect(await statusOf(token)).toBe(200)
  })

  /** Every kind of key and token that may read. */
  const parents: Grant[] = [
    { role: 'viewer', may_enqueue: false, approver: true },
    { role: 'operator', may_enqueue: false, approver: true, may_break_glass: true, may_edit: true },
    { role: 'admin', may_enqueue: false, may_break_glass: true },
    { role: 'legacy-admin', may_enqueue: false },
    { role: 'agent', may_enqueue: false, of: 'ann' },
  ]
  const every: Record<
    string,
    { method?: string; path: string; needs: (typeof allRights)[number]; needsForOwn?: (typeof allRights)[number] }
  > = endpoints
  const agent = rightsOf({ role: 'agent', may_enqueue: false })

  it.each(parents)(
    'of a key that is $role have no right that key and role do not both have, and change nothing',
    async (grant) => {
      const made = await createToken(world.sql, {
        name: 'parent',
        grant: { ...grant, principal: 'parent', madeBy: 'jobs-server' },
        days: 1,
      })
      const { as } = await openAgent(world.url, bearer(made.token))
      const may = new Set([...rightsOf(grant)].filter((right) => agent.has(right)))
      expect((await get('/api/v1/caller', as)).body).toMatchObject({ may: allRights.filter((right) => may.has(right)) })
      const [id = 0] = await world.jobs(1, { domain: 'a', status: 'queued' })
      const place = { domain: 'a', id, uuid: 'u', operation: 1, plan: 1 }
      const known: Record<string, (typeof doors)[keyof typeof doors] | undefined> = doors
      const before = [await world.fingerprint(), await world.sql`select count(*) from job_operations`]
      for (const [name, { method = 'GET', path, needs, needsForOwn }] of Object.entries(every)) {
        if (name === 'endAgentSession') continue
        const door = known[name]
        const answer = await world.call(
          method,
          door ? door.path(place) : path.replaceAll(/:\w+/g, '1'),
          door?.body?.(place) ?? (method === 'GET' ? undefined : {}),
          { ...as, 'x-confirm': 'true', 'x-reason': 'because', ...door?.headers },
        )
        const isAllowed = may.has(needs) || (needsForOwn !== undefined && may.has(needsForOwn))
        if (!isAllowed && !['openSession', 'showSession'].includes(name))
          expect({ name, status: answer.status }).toEqual({ name, status: 403 })
        expect(answer.status, name).toBeLessThan(500)
      }
      expect([await world.fingerprint(), await world.sql`select count(*) from job_operations`]).toEqual(before)
    },
  )
})

it('an agent of the key of single-user mode looks, and no more', async () => {
  const world = await openWorld('postgres', { JOBS_METRICS: 'true' })
  try {
    await setAgents(world.sql, true)
    const { as } = await openAgent(world.url, { 'x-api-key': world.key })
    expect(await world.call('GET', list, undefined, as)).toMatchObject({ status: 200 })
    expect(await world.confirm('/api/v1/jobs/prune', { domain: 'a', older_than_days: 1 }, as)).toMatchObject(refused)
    expect(await world.call('GET', '/metrics', undefined, as)).toMatchObject(refused)
  } finally {
    await world.stop()
  }
})

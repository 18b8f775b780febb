import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { setScope } from '../../../../server/auth/set-grant.ts'
import { bearer, idOf, makeScoped, makeToken } from '../../../support/access/tokens.ts'
import { kinds } from '../../../support/database/database.ts'
import { until } from '../../../support/poll.ts'
import { openWorld, type World } from '../../../support/world.ts'

const tokensPath = '/api/v1/tokens'
const Made = z.object({ id: z.string(), token: z.string() })
const none = { domains: [], queues: [], job_types: [], cascade: false }

describe.each(kinds)('the scope of a token on %s', (kind) => {
  let world: World
  let admin: Record<string, string>
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
    admin = bearer(await makeToken(world.sql, 'boss', 'admin'))
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const stats = (as: Record<string, string>) => world.call('GET', '/api/v1/jobs/stats', undefined, as)
  const domainsOf = async (as: Record<string, string>) =>
    z
      .array(z.object({ domain: z.string() }))
      .parse((await stats(as)).body)
      .map(({ domain }) => domain)

  it('is given, told and changed over HTTP, and holds at once', async () => {
    await world.jobs(1, { domain: 'a', queue: 'q', status: 'queued' })
    await world.jobs(1, { domain: 'b', queue: 'q', status: 'queued' })
    await world.jobs(1, { domain: 'b', queue: 'r', status: 'queued' })
    const made = await world.post(tokensPath, { name: 'n', role: 'operator', scope: { domains: ['a'] } }, admin)
    expect(made).toMatchObject({ status: 201, body: { scope: { ...none, domains: ['a'] } } })
    const { id, token } = Made.parse(made.body)
    const as = bearer(token)
    expect(await domainsOf(as)).toEqual(['a'])
    expect((await world.call('GET', '/api/v1/caller', undefined, as)).body).toMatchObject({ scope: { domains: ['a'] } })
    const change = (scope: unknown) => world.post(`${tokensPath}/${id}/scope`, { scope }, admin)
    expect(await change({ queues: [{ domain: 'b', queue: 'r' }], domains: ['a'] })).toMatchObject({ status: 200 })
    expect(await domainsOf(as)).toEqual(['a', 'b'])
    expect(await change({ job_types: ['none'] })).toMatchObject({ body: { scope: { ...none, job_types: ['none'] } } })
    expect(await domainsOf(as)).toEqual([])
    expect(await change(null)).toMatchObject({ body: { scope: null } })
    expect(await domainsOf(as)).toEqual(['a', 'b', 'b'])
  })

  it.each([
    [{}, 422],
    [{ scope: {} }, 422],
    [{ scope: { domains: [] } }, 422],
    [{ scope: { domains: [''] } }, 422],
    [{ scope: { domains: 'a' } }, 422],
    [{ scope: { domains: Array.from({ length: 101 }, (_, n) => `d${n}`) } }, 422],
    [{ scope: { queues: ['a/b'] } }, 422],
    [{ scope: { domains: ['a'], owners: ['x'] } }, 422],
    [{ scope: { cascade: true } }, 422],
  ])('is refused as %j, and the token keeps what it has', async (body, status) => {
    const token = await makeScoped(world.sql, 'viewer', { domains: ['a'] })
    const answer = await world.post(`${tokensPath}/${idOf(token)}/scope`, body, admin)
    expect(answer.status).toBe(status)
    const shown = await world.call('GET', `${tokensPath}/${idOf(token)}`, undefined, admin)
    expect(shown.body).toMatchObject({ scope: { ...none, domains: ['a'] } })
  })

  it('is refused for roles that are about the whole database, whichever comes first', async () => {
    for (const role of ['admin', 'auditor'] as const) {
      const body = { name: 'n', role, scope: { domains: ['a'] } }
      expect((await world.post(tokensPath, body, admin)).status).toBe(422)
      const token = idOf(await makeToken(world.sql, 'n', role))
      const limit = await world.post(`${tokensPath}/${token}/scope`, { scope: { domains: ['a'] } }, admin)
      expect(limit).toMatchObject({ status: 409, body: { code: 'conflict' } })
      const limited = idOf(await makeScoped(world.sql, 'viewer', { domains: ['a'] }))
      expect((await world.post(`${tokensPath}/${limited}/role`, { role }, admin)).status).toBe(409)
    }
    const veteran = idOf(await makeToken(world.sql, 'veteran'))
    expect((await world.post(`${tokensPath}/${veteran}/scope`, { scope: { domains: ['a'] } }, admin)).status).toBe(409)
  })

  it('narrows history to the numbers of the domain', async () => {
    await until(
      'history is kept',
      async () =>
        z.object({ kept: z.boolean() }).parse((await world.call('GET', '/api/v1/jobs/history', undefined, admin)).body)
          .kept,
    )
    await world.jobs(1, { domain: 'a', queue: 'q', status: 'queued' })
    await world.jobs(3, { domain: 'b', queue: 'q', status: 'queued' })
    const now = Date.now()
    const range = `from=${new Date(now - 7_200_000).toISOString()}&to=${new Date(now + 7_200_000).toISOString()}&step=1h`
    const as = bearer(await makeScoped(world.sql, 'viewer', { domains: ['a'] }))
    const read = async (query: string, of: Record<string, string>) =>
      (await world.call('GET', `/api/v1/jobs/history?${range}${query}`, undefined, of)).body
    const [own, whole] = [await read('&domain=a', admin), await read('', admin)]
    expect(whole).not.toEqual(own)
    expect(await read('', as)).toEqual(own)
    expect(await read('&domain=a', as)).toEqual(own)
    expect(await read('&domain=b', as)).toEqual(await read('&domain=nowhere', as))
  })

  it('that only a newer version knows is refused, and so is a role of all rights with a scope that somebody wrote', async () => {
    const token = await makeScoped(world.sql, 'viewer', { domains: ['a'] })
    await world.sql`update jobsctl_tokens set scope = scope || '{"owners": ["x"]}' where id = ${idOf(token)}`
    expect(await stats(bearer(token))).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    const shown = await world.call('GET', `${tokensPath}/${idOf(token)}`, undefined, admin)
    expect(shown.body).toMatchObject({ scope: none })
    await world.sql`update jobsctl_tokens set scope = '{"domains": ["a"]}', role = 'admin' where id = ${idOf(token)}`
    const body = { name: 'n', role: 'admin' }
    expect((await world.post(tokensPath, body, bearer(token))).status).toBe(403)
    expect((await world.confirm('/api/v1/jobs/erase', {}, bearer(token))).status).toBe(403)
  })

  it('makes the token unknown to a server of version 0.1.0', async () => {
    const id = idOf(await makeScoped(world.sql, 'viewer', { domains: ['a'] }))
    const [row] = await world.sql<{ secret_hash: string }[]>`select secret_hash from jobs_api_tokens where id = ${id}`
    expect(row?.secret_hash).toBe('in jobsctl_tokens')
  })

  it('that changes ends a stream, also beside another one of the same token', async () => {
    const token = await makeScoped(world.sql, 'viewer', { domains: ['a'] })
    const open = () => fetch(`${world.url}/api/v1/jobs/stats/stream`, { headers: { authorization: `Bearer ${token}` } })
    const first = await open()
    await setScope(world.sql, idOf(token), { ...none, domains: ['b'] })
    await world.jobs(1, { domain: 'a', queue: 'unseen', status: 'queued' })
    const leaving = new AbortController()
    const second = await fetch(`${world.url}/api/v1/jobs/stats/stream`, {
      headers: { authorization: `Bearer ${token}` },
      signal: leaving.signal,
    })
    let text = ''
    for await (const chunk of first.body ?? []) text += Buffer.from(chunk).toString()
    expect(text).not.toContain('unseen')
    leaving.abort()
    await second.body?.cancel().catch(() => {})
  })

  it('that changes ends a call that waits for jobs', async () => {
    const token = await makeScoped(world.sql, 'worker', { domains: ['a'] })
    const waiting = world.post(
      '/api/v1/jobs/acquire',
      { domain: 'a', queue: 'q', worker_id: 'w', wait_seconds: 60 },
      bearer(token),
    )
    await setScope(world.sql, idOf(token), { ...none, domains: ['b'] })
    expect(await waiting).toMatchObject({ status: 403, body: { code: 'forbidden' } })
  })

  it('with job types takes jobs of these types alone, of a queue that has others', async () => {
    const as = bearer(await makeScoped(world.sql, 'worker', { domains: ['a'], job_types: ['t', 'v'] }))
    const [id] = await world.jobs(1, { domain: 'a', queue: 'q', job_type: 't', status: 'queued', days: 1 })
    await world.jobs(1, { domain: 'a', queue: 'q', job_type: 'u', status: 'queued', days: 9 })
    const acquire = (more: object = {}) =>
      world.post('/api/v1/jobs/acquire', { domain: 'a', queue: 'q', worker_id: 'w', limit: 10, ...more }, as)
    expect(await acquire({ job_types: ['u'] })).toMatchObject({ status: 403 })
    expect((await acquire({ job_types: ['v'] })).body).toEqual({ jobs: [] })
    expect((await acquire()).body).toMatchObject({ jobs: [{ id }] })
    expect((await acquire()).body).toEqual({ jobs: [] })
    const operator = bearer(await makeScoped(world.sql, 'operator', { domains: ['a'], job_types: ['t'] }))
    const pause = { domain: 'a', queue: 'q', action: 'pause' }
    expect((await world.post('/api/v1/jobs/queue/control', pause, operator)).status).toBe(403)
  })

  describe('and dependencies over domains', () => {
    const [needed, dependent, foreign] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()]
    let id: number
    beforeEach(async () => {
      ;[id = 0] = await world.jobs(1, { domain: 'a', uuid: needed, status: 'queued' })
      await world.jobs(1, { domain: 'b', uuid: foreign, status: 'queued' })
    })
    const edge = (job: string, needs: string) =>
      world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values (${job}, ${needs})`
    const states = async () =>
      (await world.sql<{ status: string }[]>`select status from jobs order by id`).map(({ status }) => status)

    it('a cancellation that would end jobs outside is refused with their number, unless the token may', async () => {
      await edge(foreign, needed)
      await world.jobs(1, { domain: 'a', uuid: dependent, status: 'queued' })
      await edge(dependent, needed)
      const token = await makeScoped(world.sql, 'operator', { domains: ['a'] })
      const cancel = () => world.post(`/api/v1/jobs/${id}/cancel`, {}, bearer(token))
      const refused = await cancel()
      expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden', dependents_elsewhere: 1 } })
      expect(JSON.stringify(refused.body)).not.toContain(foreign)
      expect(await states()).toEqual(['queued', 'queued', 'queued'])
      await setScope(world.sql, idOf(token), { ...none, domains: ['a'], cascade: true })
      expect(await cancel()).toMatchObject({ status: 200, body: { status: 'cancelled' } })
      expect(await states()).toEqual(['cancelled', 'cancelled', 'cancelled'])
    })

    it('a new job cannot depend on a job outside: there is no job with its uuid', async () => {
      const as = bearer(await makeScoped(world.sql, 'producer', { domains: ['a'] }))
      const enqueue = async (uuid: string) => {
        const { status, body } = await world.post(
          '/api/v1/jobs',
          { domain: 'a', job_type: 't', payload: {}, depends_on: [uuid] },
          as,
        )
        return {
          status,
          text: JSON.stringify(body)
            .replaceAll(uuid, 'UUID')
            .replaceAll(/"request_id":"[^"]*"/g, ''),
        }
      }
      const unknown = await enqueue(crypto.randomUUID())
      expect(unknown.status).toBe(422)
      expect(await enqueue(foreign)).toEqual(unknown)
      // A cycle of jobs that lie outside is not named either.
      await edge(foreign, foreign)
      expect(await enqueue(foreign)).toEqual(unknown)
      expect((await enqueue(needed)).status).toBe(201)
    })

    it('a job is shown without them', async () => {
      const as = bearer(await makeScoped(world.sql, 'operator', { domains: ['a'] }))
      await world.jobs(1, { domain: 'a', uuid: dependent, status: 'queued' })
      for (const [job, needs] of [
        [foreign, needed],
        [dependent, needed],
        [needed, foreign],
        [needed, crypto.randomUUID()],
      ] as const)
        await edge(job, needs)
      const { body } = await world.call('GET', `/api/v1/jobs/${id}`, undefined, as)
      expect(body).toMatchObject({ dependencies: { depends_on: [], dependents: [{ uuid: dependent }] } })
      expect(JSON.stringify(body)).not.toContain(foreign)
    })
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bearer, makeScoped, makeToken } from '../../support/access/tokens.ts'
import { kinds } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { namesOf, seriesOf, untilHistoryIsKept } from '../../support/observe/metrics.ts'
import { openWorld, type World } from '../../support/world.ts'

const token = 'token-of-the-scraper'
const [ofProcess, ofJobs] = ['/metrics', '/metrics/jobs']
const day = 86_400

describe('metrics of a server with one key', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres', { JOBS_METRICS_TOKEN: token })
  })
  afterAll(() => world?.stop())

  it('are read with the token for metrics or the key, which are compared like any other secret', async () => {
    for (const path of [ofProcess, ofJobs]) {
      const response = await world.call('GET', path, undefined, bearer(token))
      expect(response).toMatchObject({
        status: 200,
        headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'x-request-id': expect.any(String) },
      })
      expect((await world.call('GET', path)).status).toBe(200)
      expect((await world.call('HEAD', path)).status).toBe(200)
      const refused = [{}, bearer(`${token}x`), bearer(token.slice(1)), { 'x-api-key': token }]
      for (const headers of refused)
        expect(await world.call('GET', path, undefined, { 'x-api-key': '', ...headers })).toMatchObject({
          status: 401,
          body: { code: 'unauthenticated', hint: expect.stringContaining('as Authorization: Bearer') },
        })
      expect(await world.post(path, {})).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
    }
    // The token may do nothing else.
    expect((await world.call('GET', '/api/v1/jobs/stats', undefined, bearer(token))).status).toBe(401)
    expect(world.log.join('')).not.toContain(token)
  })
})

describe('metrics of a server with tokens', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user', JOBS_METRICS: 'on' })
  })
  afterAll(() => world?.stop())

  it('are for tokens that may read', async () => {
    const status = async (path: string, given: string) =>
      (await world.call('GET', path, undefined, bearer(given))).status
    for (const role of ['viewer', 'operator', 'admin'] as const) {
      const given = await makeToken(world.sql, role, role)
      expect([await status(ofProcess, given), await status(ofJobs, given)]).toEqual([200, 200])
    }
    for (const role of ['worker', 'producer', 'auditor'] as const) {
      const given = await makeToken(world.sql, role, role)
      expect([await status(ofProcess, given), await status(ofJobs, given)]).toEqual([403, 403])
    }
    const limited = await makeScoped(world.sql, 'viewer', { domains: ['chatbooks'] })
    expect([await status(ofProcess, limited), await status(ofJobs, limited)]).toEqual([403, 200])
    expect(await status(ofProcess, 'jobs_000000000000_wrong')).toBe(401)
    const admin = bearer(await makeToken(world.sql, 'all', 'admin'))
    const { body } = await world.call('GET', ofProcess, undefined, admin)
    expect(seriesOf(String(body))['jobsctl_auth_failures_total{reason="forbidden"}']).toBe(7)
  })
})

describe.each(kinds)('metrics of a token with a scope on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user', JOBS_METRICS: 'on' })
  })
  afterAll(() => world?.stop())

  it('are those of its groups and queues, and nothing of others or of the whole database', async () => {
    const admin = bearer(await makeToken(world.sql, 'admin', 'admin'))
    await untilHistoryIsKept(world, admin)
    await world.jobs(2, { domain: 'mine', queue: 'a', status: 'queued', worker_id: 'mine' })
    await world.jobs(3, { domain: 'ours', queue: 'b', job_type: 'x', status: 'queued' })
    await world.jobs(4, { domain: 'ours', queue: 'b', job_type: 'y', status: 'queued', created_at: ago(90 * day) })
    // A job may run that more jobs are older than, each of which has a time of its own.
    await world.jobs(25, {
      domain: 'ours',
      queue: 'd',
      status: 'queued',
      created_at: ago(90 * day),
      available_at: ago(-day),
    })
    await world.jobs(1, { domain: 'ours', queue: 'd', status: 'queued', created_at: ago(2 * day) })
    await world.jobs(5, { domain: 'secret', queue: 'c', status: 'queued' })
    for (const [domain, queue] of [
      ['mine', 'a'],
      ['secret', 'c'],
    ])
      await world.post('/api/v1/jobs/queue/control', { domain, queue, action: 'pause' }, admin)
    const read = async (as: Record<string, string>) => String((await world.call('GET', ofJobs, undefined, as)).body)
    const queued = (text: string) =>
      Object.fromEntries(
        Object.entries(seriesOf(text)).filter(
          ([name, value]) => /^jobsctl_jobs.*state="queued"/.test(name) && value > 0,
        ),
      )
    await expect
      .poll(async () => Object.values(queued(await read(admin))).sort(), { interval: 200 })
      .toEqual([1, 2, 3, 4, 5])
    await expect
      .poll(async () => read(admin), { interval: 200 })
      .toContain('jobsctl_transitions_total{domain="secret",queue="c",job_type="export",event="created"} 5')

    const mine = await read(bearer(await makeScoped(world.sql, 'viewer', { domains: ['mine'] })))
    expect(Object.values(queued(mine))).toEqual([2])
    expect(mine).toContain('jobsctl_transitions_total{domain="mine",queue="a",job_type="export",event="created"} 2')
    expect(mine).toContain('jobsctl_queue_stopped{domain="mine",queue="a",mode="paused"} 1')
    const byType = await read(
      bearer(await makeScoped(world.sql, 'viewer', { queues: [{ domain: 'ours', queue: 'b' }], job_types: ['x'] })),
    )
    expect(queued(byType)).toEqual({ 'jobsctl_jobs{domain="ours",queue="b",job_type="x",state="queued"}': 3 })
    const days = (text: string, queue: string) =>
      Math.round((seriesOf(text)[`jobsctl_oldest_ready_age_seconds{domain="ours",queue="${queue}"}`] ?? 0) / day)
    const all = await read(admin)
    expect([days(all, 'b'), days(all, 'd')]).toEqual([90, 2])
    // The oldest jobs of the queue have another type.
    expect(days(byType, 'b')).toBe(40)
    for (const text of [mine, byType]) {
      expect(text).not.toContain('secret')
      expect(text).not.toContain('job_type="y"')
      expect(text).toContain('it gets no series of the whole database')
      for (const name of namesOf(text))
        expect(name).toMatch(/^jobsctl_(jobs|oldest_|last_|workers|queue_|transitions_|job_)/)
    }
    expect(namesOf(await read(admin))).toContain('jobsctl_table_bytes')
  })
})

it.each([{}, { JOBS_METRICS: 'off', JOBS_METRICS_TOKEN: token }])('there are no metrics with %j', async (env) => {
  const world = await openWorld('postgres', env)
  try {
    for (const path of [ofProcess, ofJobs])
      expect(await world.call('GET', path, undefined, bearer(token))).toMatchObject({
        status: 404,
        body: { detail: expect.stringContaining('JOBS_METRICS=on') },
      })
  } finally {
    await world.stop()
  }
})

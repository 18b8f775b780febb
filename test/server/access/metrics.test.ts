import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bearer, makeScoped, makeToken } from '../../support/access/tokens.ts'
import { seriesOf } from '../../support/observe/metrics.ts'
import { openWorld, type World } from '../../support/world.ts'

const token = 'token-of-the-scraper'
const [ofProcess, ofJobs] = ['/metrics', '/metrics/jobs']

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
          body: { code: 'unauthenticated' },
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
    expect([await status(ofProcess, limited), await status(ofJobs, limited)]).toEqual([403, 403])
    expect(await status(ofProcess, 'jobs_000000000000_wrong')).toBe(401)
    const admin = bearer(await makeToken(world.sql, 'all', 'admin'))
    const { body } = await world.call('GET', ofProcess, undefined, admin)
    expect(seriesOf(String(body))['jobsctl_auth_failures_total{reason="forbidden"}']).toBe(8)
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

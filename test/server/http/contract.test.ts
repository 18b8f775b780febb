import { request } from 'undici'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { revokeToken } from '../../../server/auth/revoke-tokens.ts'
import { idOf, makeToken } from '../../support/access/tokens.ts'
import { everyKind } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { jobPaths } from '../../support/worker.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const posts = [paths.prune, paths.sweep, paths.requeue, paths.integrity]
const json = { 'content-type': 'application/json' }

/** Each wrong key comes from an address of its own, since many from one are 429. */
let address = 0
const fromElsewhere = () => ({ 'x-forwarded-for': `10.${++address >> 8}.${address & 255}.1` })

describe.each(everyKind)('the contract on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind, { JOBS_MAX_BODY_BYTES: '2048', JOBS_TRUSTED_PROXIES: '127.0.0.1' })
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  describe('who may call', () => {
    it.each([...posts.map((path) => ['POST', path]), ['GET', paths.stats], ['GET', '/api/v1/nothing']])(
      '%s %s: 401 with a challenge without a key, and with a wrong one',
      async (method = '', path = '') => {
        for (const wrong of ['', 'wrong', `${world.key}x`, world.key.slice(1), world.key.toUpperCase()]) {
          const answer = await world.call(method, path, undefined, { 'x-api-key': wrong, ...fromElsewhere() })
          expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated', status: 401 } })
          expect(answer.headers['www-authenticate']).toMatch(/^ApiKey /)
          expect(answer.headers['content-type']).toBe('application/problem+json')
          expect(JSON.stringify(answer)).not.toContain(world.key)
        }
      },
    )

    it('takes the key in X-API-KEY or as a bearer token, and not in the URL', async () => {
      const none = { 'x-api-key': '' }
      expect((await world.call('GET', `${paths.stats}?api_key=${world.key}`, undefined, none)).status).toBe(401)
      const bearer = { ...none, authorization: `Bearer ${world.key}` }
      expect((await world.call('GET', paths.stats, undefined, bearer)).status).toBe(200)
      expect((await world.call('GET', paths.stats)).status).toBe(200)
    })

    it('answers /healthz and /readyz without credentials', async () => {
      const none = { 'x-api-key': '' }
      expect(await world.call('GET', '/healthz', undefined, none)).toMatchObject({
        status: 200,
        body: { status: 'ok' },
      })
      expect(await world.call('GET', '/readyz', undefined, none)).toMatchObject({
        status: 200,
        body: { status: 'ready' },
      })
    })
  })

  describe('order of checks', () => {
    it.each(posts)('%s: credentials before JSON, shape and confirmation', async (path) => {
      const wrong = { 'x-api-key': 'wrong' }
      for (const body of ['{', '{"no_such_field": 1}', '{}', 'x'.repeat(5000)]) {
        expect((await world.post(path, body, { ...wrong, ...fromElsewhere() })).status).toBe(401)
      }
      expect(
        (await world.post(path, '{}', { ...wrong, ...fromElsewhere(), 'content-type': 'text/plain' })).status,
      ).toBe(401)
    })

    it.each(posts)('%s: JSON before shape, shape before confirmation', async (path) => {
      expect(await world.post(path, '{"no_such_field": 1')).toMatchObject({
        status: 400,
        body: { code: 'malformed_json' },
      })
      expect(await world.post(path, { no_such_field: 1 })).toMatchObject({ status: 422 })
      expect(await world.confirm(path, { no_such_field: 1 })).toMatchObject({ status: 422 })
    })
  })

  describe('errors', () => {
    it('are problem details with every field of the contract', async () => {
      const answer = await world.post(paths.prune, { statuses: 'all', older_than_days: 0, nonsense: 1, toString: 2 })

      expect(answer.status).toBe(422)
      expect(answer.headers['content-type']).toBe('application/problem+json')
      expect(answer.body).toEqual({
        type: 'urn:jobs:problem:invalid_request',
        title: 'Invalid request',
        status: 422,
        code: 'invalid_request',
        detail: expect.stringContaining('older_than_days must be at least 1'),
        request_id: answer.headers['x-request-id'],
        errors: expect.any(Array),
      })
    })

    it('name every fault at once, and unknown fields by name', async () => {
      const body = {
        statuses: ['done'],
        older_than_days: 3651,
        domain: 5,
        dry_run: 'no',
        max: 0,
        Domain: 'a',
        extra: {},
      }
      const answer = await world.confirm(paths.prune, body)
      const errors: { path: string; message: string }[] = Reflect.get(Object(answer.body), 'errors')

      expect(errors.map(({ path }) => path).sort()).toEqual(
        ['Domain', 'domain', 'dry_run', 'extra', 'max', 'older_than_days', 'statuses.0'].sort(),
      )
      for (const { path, message } of errors) {
        expect(message).not.toBe('')
        expect(Reflect.get(Object(answer.body), 'detail')).toContain(path)
      }
    })

    it.each(['', '{', 'null!', "{'a': 1}", '{"a": 1,}', '\u{FEFF}x', '{"a": NaN}'])(
      'malformed_json for a body that is not JSON: %j',
      async (body) => {
        const answer = await world.post(paths.prune, body)
        expect(answer).toMatchObject({ status: 400, body: { code: 'malformed_json', status: 400 } })
      },
    )

    it.each(['null', '[]', '"prune"', '1', 'true'])('invalid_request for JSON that is no object: %s', async (body) => {
      expect(await world.post(paths.prune, body)).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
    })

    it.each([
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/json; charset=latin1',
      'application/jsonp',
    ])('unsupported_media_type for a body of type %s', async (type) => {
      expect(await world.post(paths.prune, '{"dry_run": true}', { 'content-type': type })).toMatchObject({
        status: 415,
        body: { code: 'unsupported_media_type' },
      })
    })

    it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'])(
      'takes a body of type %s',
      async (type) => {
        expect((await world.post(paths.prune, '{"dry_run": true}', { 'content-type': type })).status).toBe(200)
      },
    )

    it('too_large for a body over the limit, and not for one at the limit', async () => {
      const path = '/api/v1/jobs/queue/control'
      const body = (bytes: number) => JSON.stringify({ domain: 'd', queue: 'q', action: 'resume' }).padEnd(bytes)
      expect((await world.post(path, body(2048))).status).toBe(200)
      expect(await world.post(path, body(2049))).toMatchObject({ status: 413, body: { code: 'too_large' } })
    })

    it('not_found for a path that is none', async () => {
      for (const path of ['/', '/api', '/api/v1/job', `${paths.prune}/x`, '/API/V1/JOBS/PRUNE', '/healthz/x']) {
        const answer = await world.call('GET', path)
        expect(answer, path).toMatchObject({ status: 404, body: { code: 'not_found', request_id: expect.any(String) } })
      }
    })

    it.each([
      ['DELETE', paths.stats, 'GET, HEAD'],
      ['POST', paths.stats, 'GET, HEAD'],
      ['GET', paths.prune, 'POST'],
      ['PUT', paths.sweep, 'POST'],
      ['PATCH', paths.requeue, 'POST'],
      ['OPTIONS', paths.integrity, 'POST'],
      ['POST', '/healthz', 'GET, HEAD'],
      ['GET', '/api/v1/jobs', 'POST'],
      ['GET', '/api/v1/jobs/5/renew', 'POST'],
      ['PUT', '/api/v1/jobs/acquire', 'POST'],
      ['POST', '/api/v1/jobs/events/stream', 'GET, HEAD'],
    ])('method_not_allowed for %s %s, with Allow: %s', async (method, path, allow) => {
      const answer = await world.call(method, path)
      expect(answer).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } })
      expect(answer.headers.allow).toBe(allow)
    })

    it('says nothing in the body of an answer to HEAD', async () => {
      expect(await world.call('HEAD', paths.stats)).toMatchObject({ status: 200, body: '' })
    })
  })

  describe('request ids', () => {
    it.each(['a', 'req-1.2:3_4', 'x'.repeat(128)])('keeps the caller’s own: %s', async (id) => {
      const answer = await world.call('GET', '/nothing', undefined, { 'x-request-id': id })
      expect(answer.headers['x-request-id']).toBe(id)
      expect(answer.body).toMatchObject({ request_id: id })
    })

    it.each(['x'.repeat(129), 'a b', 'a"b', '<script>', 'ä', '{}'])('replaces one that is not sane: %s', async (id) => {
      const sent = Buffer.from(id).toString('latin1')
      const answer = await world.call('GET', '/nothing', undefined, { 'x-request-id': sent })
      expect(answer.headers['x-request-id']).toMatch(/^[\w-]{36}$/)
      expect(answer.body).toMatchObject({ request_id: answer.headers['x-request-id'] })
    })

    it('are on every answer, and are never the same twice', async () => {
      const answers = await Promise.all(
        ['/healthz', '/readyz', paths.stats, '/nothing'].map((path) => world.call('GET', path)),
      )
      const ids = answers.map(({ headers }) => headers['x-request-id'])
      expect(ids.every(Boolean)).toBe(true)
      expect(new Set(ids).size).toBe(answers.length)
    })
  })

  describe('confirmation', () => {
    it.each(['true', '1', 'yes', 'on', 'TRUE', 'Yes', 'oN', ' true '])('X-Confirm: %j confirms', async (value) => {
      await world.jobs(1)
      expect(await world.post(paths.prune, {}, { 'x-confirm': value })).toMatchObject({ body: { deleted: 1 } })
    })

    it.each(['false', '0', 'no', 'off', 'n', 'truee', 'true, true', '2', 'null'])(
      'X-Confirm: %j does not',
      async (value) => {
        await world.jobs(1)
        const answer = await world.post(paths.prune, {}, { 'x-confirm': value })
        expect(answer).toMatchObject({ status: 400, body: { code: 'confirmation_required' } })
        expect(await world.count()).toBe(1)
      },
    )

    it('does not make a dry run change anything', async () => {
      await world.jobs(1)
      expect(await world.confirm(paths.prune, { dry_run: true })).toMatchObject({ body: { deleted: 1 } })
      expect(await world.count()).toBe(1)
    })
  })

  describe('X-Reason', () => {
    it('may have 500 characters, whatever their bytes, and no more', async () => {
      await world.jobs(1)
      const reason = (n: number) => ({ 'x-reason': Buffer.from('ä'.repeat(n)).toString('latin1') })

      expect(await world.confirm(paths.prune, {}, reason(501))).toMatchObject({
        status: 422,
        body: { errors: [{ path: 'X-Reason', message: 'must be at most 500 characters' }] },
      })
      expect(await world.count()).toBe(1)
      expect(await world.confirm(paths.prune, {}, reason(500))).toMatchObject({ status: 200 })
      expect((await world.events())[0]?.attrs_json.reason).toBe('ä'.repeat(500))
    })
  })

  describe('the log', () => {
    it('has a line for each request, with who, what and how many rows, and no key', async () => {
      await world.jobs(3)
      await world.confirm(paths.prune, {}, { 'x-request-id': 'log-1' })
      await world.call('GET', `${paths.stats}?domain=a`, undefined, { 'x-request-id': 'log-2', 'x-api-key': 'nope' })
      const line = (id: string) => JSON.parse(world.log.find((text) => text.includes(`"request_id":"${id}"`)) ?? '{}')

      expect(line('log-1')).toMatchObject({
        ...{ method: 'POST', route: paths.prune, status: 200, caller: 'single-user', rows: 3 },
        ms: expect.any(Number),
      })
      expect(line('log-2')).toMatchObject({ method: 'GET', status: 401 })
      expect(world.log.join()).not.toContain(world.key)
      expect(world.log.join()).not.toContain('nope')
    })
  })

  it('keeps a scope of 128 characters, of any script, and refuses 129', async () => {
    const domain = '\u{1F4DA}'.repeat(128)
    await world.jobs(1, { domain })
    expect(await world.confirm(paths.prune, { domain })).toMatchObject({ body: { deleted: 1 } })
    expect(await world.confirm(paths.prune, { domain: `${domain}x` })).toMatchObject({ status: 422 })
  })

  it('takes null and blank filters as absent', async () => {
    await world.jobs(1)
    const body = { domain: null, queue: '', job_type: ' \t' }
    expect(await world.confirm(paths.prune, body)).toMatchObject({ body: { deleted: 1 } })
  })

  it.each([
    ['older_than_days', [1, 3650], [0, 3651, -1, 1.5, '30', null, true]],
    ['detail_top_k', [0, 100], [-1, 101, 0.5, '1']],
    ['max', [1, Number.MAX_SAFE_INTEGER], [0, -1, 1.5, '1', 2 ** 53]],
    ['dry_run', [true], ['true', 1, 0, null]],
    ['statuses', [['completed'], ['FAILED', 'failed']], [[], [''], ['completed', 'done'], 'completed', [null], {}]],
  ])('prune takes %s within its bounds only', async (field, good, bad) => {
    for (const value of good) {
      expect((await world.post(paths.prune, { dry_run: true, [field]: value })).status, String(value)).toBe(200)
    }
    for (const value of bad) {
      const answer = await world.post(paths.prune, { dry_run: true, [field]: value }, json)
      expect(answer, String(value)).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
    }
  })
})

describe.each(everyKind)('multi-user mode on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user', JOBS_TRUSTED_PROXIES: '127.0.0.1' })
  })
  afterAll(() => world?.stop())

  const stats = (authorization: string) =>
    world.call('GET', paths.stats, undefined, {
      ...{ 'x-api-key': '', ...fromElsewhere() },
      ...(authorization && { authorization }),
    })
  const token = async (...argv: string[]) => {
    const { code, out, err } = await runServer(['token', ...argv], world.env)
    expect({ code, err }).toEqual({ code: 0, err: expect.stringMatching(/^(warning: .+ may do everything .+\n)?$/) })
    return out.trim()
  }

  it('takes a token that was made, and has its id in the records', async () => {
    const made = await token('create', 'ci')
    expect(made).toMatch(/^jobs_[0-9a-f]{12}_[\w-]{43}$/)
    await world.clear()
    await world.jobs(1)

    expect((await stats(`Bearer ${made}`)).status).toBe(200)
    expect((await stats(`bearer  ${made} `)).status).toBe(200)
    await world.confirm(paths.prune, {}, { 'x-api-key': '', authorization: `Bearer ${made}` })
    expect((await world.events())[0]?.attrs_json.caller).toBe(made.split('_')[1])
  })

  it('refuses everything else with 401 and a challenge', async () => {
    const made = await makeToken(world.sql, 'other')
    const wrong = [
      '',
      'Bearer',
      `Basic ${made}`,
      made,
      `Bearer ${made}x`,
      `Bearer ${made.slice(0, -1)}`,
      'Bearer jobs_',
    ]
    for (const authorization of [...wrong, `Bearer ${made.slice(0, -1)}${made.endsWith('A') ? 'B' : 'A'}`]) {
      const answer = await stats(authorization)
      expect(answer, authorization).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="jobs"')
      expect(JSON.stringify(answer)).not.toContain(made.slice(18))
    }
    expect((await world.call('GET', paths.stats)).status).toBe(401)
  })

  it('refuses a revoked token at once', async () => {
    const made = await makeToken(world.sql, 'gone')
    expect((await stats(`Bearer ${made}`)).status).toBe(200)
    await token('revoke', made.split('_')[1] ?? '')
    expect((await stats(`Bearer ${made}`)).status).toBe(401)
  })

  it('gives no job and no event to who waits for one with a token that has ended', async () => {
    const made = await makeToken(world.sql, 'waits')
    const headers = { authorization: `Bearer ${made}` }
    const waiting = { domain: 'secret', worker_id: 'w', wait_seconds: 20 }
    const held = world.call('POST', jobPaths.acquire, waiting, headers)
    const stream = await request(`${world.url}${jobPaths.stream}?domain=secret`, { headers })
    let received = ''
    const ended = (async () => {
      for await (const chunk of stream.body) received += chunk
    })()
    const other = { authorization: `Bearer ${await makeToken(world.sql, 'another')}` }
    // A worker is listed once its first look for jobs is on its way: a look that comes after the revocation would check the token first.
    await until('the worker that waits', async () => {
      const { body } = await world.call('GET', '/api/v1/jobs/workers?domain=secret', undefined, other)
      return JSON.stringify(body).includes('"w"')
    })
    await revokeToken(world.sql, idOf(made))
    const job = { domain: 'secret', job_type: 't', payload: { for: 'nobody' } }
    expect(await world.call('POST', jobPaths.enqueue, job, other)).toMatchObject({ status: 201 })
    expect(await held).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    await ended
    expect(received).not.toContain('job.created')
    expect(await world.sql`select status from jobs where domain = 'secret'`).toEqual([{ status: 'queued' }])
  })

  it('refuses a token that has expired', async () => {
    const made = await token('create', 'short', '--expires', '1d')
    expect((await stats(`Bearer ${made}`)).status).toBe(200)
    await world.sql`update jobs_api_tokens set expires_at = now() - interval '1 second' where name = 'short'`
    expect((await stats(`Bearer ${made}`)).status).toBe(401)
  })

  it('keeps no token in a form that could be used', async () => {
    const made = await makeToken(world.sql, 'secret')
    const [, , secret = ''] = /^jobs_([0-9a-f]+)_(.+)$/.exec(made) ?? []
    const [row] = await world.sql<{ text: string }[]>`select string_agg(t::text, ' ') as text from jobs_api_tokens t`
    expect(secret).not.toBe('')
    expect(row?.text).not.toContain(secret)
    expect(world.log.join()).not.toContain(secret)
  })
})

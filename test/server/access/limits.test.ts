import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { bearer, idOf, makeToken } from '../../support/access/tokens.ts'
import { waitingFor } from '../../support/changes/dependents.ts'
import { kinds } from '../../support/database/database.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const path = '/api/v1/tokens'
const Made = z.object({ token: z.string() })
const old = { status: 'completed', completed_at: '2020-01-01T00:00:00Z' }

describe.each(kinds)('limits of tokens on %s', (kind) => {
  let world: World
  let admin: Record<string, string>
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
    admin = bearer(await makeToken(world.sql, 'boss', 'admin'))
  })
  afterAll(() => world?.stop())

  let principal: string
  let round = 0
  beforeEach(async () => {
    await world.clear()
    round += 1
    principal = `crew ${round}`
  })

  const make = async (limits: object, name = 'cron') => {
    const { body } = await world.post(path, { name, role: 'operator', principal, ...limits }, admin)
    return Made.parse(body).token
  }
  const prune = (token: string, fields: object, as = bearer(token)) => world.confirm(paths.prune, fields, as)
  const finished = (n: number, domain: string) => world.jobs(n, { ...old, domain })
  const usedBy = async (token: string) => {
    const { body } = await world.call('GET', '/api/v1/caller', undefined, bearer(token))
    return z.object({ limits: z.object({ changed_today: z.number() }).nullable() }).parse(body).limits?.changed_today
  }

  it('are given with the token, or set, shown and taken away later, on record', async () => {
    const token = await make({ max_per_change: 5, max_per_day: 20 })
    const id = idOf(token)
    const show = async () => (await world.call('GET', `${path}/${id}`, undefined, admin)).body
    expect(await show()).toMatchObject({ max_per_change: 5, max_per_day: 20 })
    const limit = (body: object) => world.post(`${path}/${id}/limits`, body, admin)
    expect(await limit({ max_per_day: 30 })).toMatchObject({
      status: 200,
      body: { max_per_change: 5, max_per_day: 30 },
    })
    expect(await limit({ max_per_change: null })).toMatchObject({ body: { max_per_change: null, max_per_day: 30 } })
    for (const body of [{}, { max_per_day: 0 }, { max_per_day: '5' }, { max_per_week: 1 }])
      expect(await limit(body)).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
    const acts = await world.sql<{ filters: object }[]>`
      select filters from job_operations where kind = 'token.limits_set' and filters ->> 'token' = ${id} order by id`
    expect(acts.map(({ filters }) => filters)).toMatchObject([
      { max_per_day: 30, limits_before: { max_per_change: 5, max_per_day: 20 } },
      { max_per_day: 30, limits_before: { max_per_change: 5, max_per_day: 30 } },
    ])
    const shell = (...argv: string[]) => runServer(['token', ...argv], world.env)
    expect(await shell('set-limits', id, '--max-per-change', '1500', '--max-per-day', 'none')).toMatchObject({
      ...{ code: 0, out: `${id} changes at most 1,500 jobs a change\n` },
    })
    expect((await shell('show', id)).out).toContain('changes\tat most 1,500 jobs a change\n')
    expect((await shell('list')).out).toMatch(new RegExp(`^${id}\t.*\t\t1500\t`, 'm'))
    expect(await shell('set-limits', id)).toMatchObject({ code: 2 })
    expect(await shell('set-limits', id, '--max-per-day', '1e3')).toMatchObject({ code: 2 })
  })

  it('belong to roles that change many jobs', async () => {
    const refused = await world.post(path, { name: 'w', role: 'worker', max_per_day: 1 }, admin)
    expect(refused).toMatchObject({ status: 422, body: { detail: expect.stringContaining('change many jobs') } })
    const worker = await makeToken(world.sql, 'w', 'worker')
    const answer = await world.post(`${path}/${idOf(worker)}/limits`, { max_per_day: 1 }, admin)
    expect(answer).toMatchObject({ status: 409, body: { code: 'conflict' } })
    const argv = ['token', 'create', 'w', '--role', 'viewer', '--max-per-day', '1']
    expect(await runServer(argv, world.env)).toMatchObject({ code: 2, out: '' })
  })

  it.each([
    ['reclaim', '/api/v1/jobs/batch/reclaim', { count_attempt: true }],
    ['integrity', paths.integrity, { fix: true }],
  ])('count the jobs that end with those of a change: %s', async (_, path, fields) => {
    const token = await make({ max_per_change: 3 })
    await waitingFor(world.sql, 3, { uuid: 'needed', of: 'a', domain: 'a' })
    await world.sql`
      update jobs
      set status = 'processing', worker_id = 'w', lease_id = 'l', leased_until = now() - interval '1 minute',
        retry_count = 3, max_retries = 3
      where uuid = 'needed'`
    const before = await world.fingerprint()
    const change = (as: Record<string, string>) => world.confirm(path, { domain: 'a', ...fields }, as)
    const detail = expect.stringContaining('1 job matches, and 3 more go along')
    expect(await change(bearer(token))).toMatchObject({ status: 412, body: { code: 'limit_exceeded', detail } })
    expect(await world.fingerprint()).toBe(before)
    expect(await change(bearer(await make({ max_per_change: 4 })))).toMatchObject({
      status: 200,
      body: { dependents: 3 },
    })
    const [record] = await world.sql<{ counts: object }[]>`select counts from job_operations where affected = 1`
    expect(record).toMatchObject({ counts: { dependents: 3 } })
  })

  it('of one change refuse a larger one, whole, and name both numbers', async () => {
    const token = await make({ max_per_change: 4 })
    await finished(5, 'a')
    const before = await world.fingerprint()
    const refused = await prune(token, { domain: 'a' })
    const detail = `5 jobs match, above the limit of 4 jobs a change of the token cron (${idOf(token)}); nothing was changed`
    expect(refused).toMatchObject({ status: 412, body: { code: 'limit_exceeded', detail } })
    const dry = await prune(token, { domain: 'a', dry_run: true })
    const { preview } = z.object({ preview: z.object({ token: z.string() }) }).parse(dry.body)
    expect(await prune(token, { domain: 'a', preview_token: preview.token })).toMatchObject({ status: 412 })
    expect(await world.fingerprint()).toBe(before)
    await world.sql`delete from jobs where id = (select min(id) from jobs)`
    expect(await prune(token, { domain: 'a' })).toMatchObject({ status: 200, body: { deleted: 4 } })
  })

  it('count the jobs that go along', async () => {
    const token = await make({ max_per_change: 2, max_per_day: 3 })
    const chain = async (domain: string) => {
      const [first, second] = [crypto.randomUUID(), crypto.randomUUID()]
      const [id] = await world.jobs(1, { domain, status: 'queued', uuid: first })
      await world.jobs(1, { domain: 'elsewhere', status: 'queued', uuid: second })
      await world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values (${second}, ${first})`
      return id
    }
    const cancel = (ids: (number | undefined)[]) => world.confirm('/api/v1/jobs/batch/cancel', { ids }, bearer(token))
    const [one, two] = [await chain('a'), await chain('a')]
    const detail = expect.stringContaining('2 jobs match, and 2 more go along, above the limit of 2 jobs a change')
    expect(await cancel([one, two])).toMatchObject({ status: 412, body: { detail } })
    expect(await cancel([one])).toMatchObject({ status: 200, body: { affected: 1 } })
    expect(await usedBy(token)).toBe(2)
    expect(await cancel([two])).toMatchObject({ status: 429, body: { code: 'quota_exceeded' } })
  })

  it('of a day count the changes of all tokens of the principal, and say when there is room', async () => {
    const token = await make({ max_per_day: 5 })
    await finished(3, 'a')
    await finished(3, 'b')
    await finished(6, 'c')
    expect(await prune(await make({}, 'other'), { domain: 'a' })).toMatchObject({ status: 200 })
    const refused = await prune(token, { domain: 'b' })
    expect(refused).toMatchObject({
      status: 429,
      body: {
        code: 'quota_exceeded',
        detail: `3 jobs match, and the tokens of ${principal} have changed 3 of the 5 jobs a day of the token cron (${idOf(token)}); nothing was changed`,
        hint: expect.stringMatching(/^there is room for it at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ; an admin /),
      },
    })
    const seconds = Number(refused.headers['retry-after'])
    expect(seconds).toBeGreaterThan(85_000)
    expect(seconds).toBeLessThanOrEqual(86_400)
    // A change that fits on no day is no matter of time.
    const large = await prune(token, { domain: 'c' })
    expect(large).toMatchObject({ status: 412, body: { detail: expect.stringContaining('5 jobs a day of the token') } })
    const stranger = await makeToken(world.sql, 'stranger', 'operator')
    expect(await prune(stranger, { domain: 'c' })).toMatchObject({ status: 200 })
    await world.sql`update job_operations set ended_at = ended_at - interval '25 hours' where kind = 'prune'`
    expect(await usedBy(token)).toBe(0)
    expect(await prune(token, { domain: 'b' })).toMatchObject({ status: 200, body: { deleted: 3 } })
  })

  it('never keep anybody from an undo, a stop or a pause', async () => {
    const token = await make({ max_per_change: 3, max_per_day: 3 })
    await finished(3, 'a')
    const { body } = await prune(token, { domain: 'a' })
    const { operation_id } = z.object({ operation_id: z.number() }).parse(body)
    const undo = `/api/v1/jobs/operations/${operation_id}/undo`
    expect(await world.confirm(undo, {}, bearer(token))).toMatchObject({ status: 200, body: { affected: 3 } })
    const pause = { domain: 'a', queue: 'default', action: 'pause' }
    expect((await world.post('/api/v1/jobs/queue/control', pause, bearer(token))).status).toBe(200)
    // What an undo gave back was changed all the same.
    expect(await usedBy(token)).toBe(3)
    await finished(1, 'b')
    expect((await prune(token, { domain: 'b' })).status).toBe(429)
  })

  it('let only so many of changes that begin at once pass, whichever servers they reach', async () => {
    const token = await make({ max_per_day: 5 })
    const domains = ['a', 'b', 'c', 'd', 'e', 'f']
    for (const domain of domains) await finished(2, domain)
    const second = kind === 'postgres' ? await startServer(world.env, () => {}) : undefined
    await second?.prepared
    const send = (domain: string, at: number) =>
      second && at % 2 === 1
        ? fetch(`${second.url}${paths.prune}`, {
            method: 'POST',
            headers: { authorization: `Bearer ${token}`, 'x-confirm': 'true', 'content-type': 'application/json' },
            body: JSON.stringify({ domain }),
          }).then(({ status }) => status)
        : prune(token, { domain }).then(({ status }) => status)
    try {
      const all = await Promise.all(domains.map(send))
      expect(all.filter((status) => status === 200)).toHaveLength(2)
      expect(all.filter((status) => status === 429)).toHaveLength(4)
      expect(await world.count()).toBe(8)
      expect(await usedBy(token)).toBe(4)
    } finally {
      await second?.stop()
    }
  })

  it('count a change whose server was killed with all that it may still change, until its record is closed', async () => {
    const token = await make({ max_per_day: 5 })
    await finished(4, 'a')
    await finished(2, 'b')
    const { body } = await prune(token, { domain: 'a' })
    const { operation_id: id } = z.object({ operation_id: z.number() }).parse(body)
    await world.sql`
      update job_operations set state = 'running', affected = 1, ended_at = null, day = null, touched_at = now()
      where id = ${id}`
    expect(await usedBy(token)).toBe(4)
    expect(await prune(token, { domain: 'b' })).toMatchObject({ status: 429 })
    await world.sql`update job_operations set state = 'partial', ended_at = now(), day = now()::date where id = ${id}`
    expect(await usedBy(token)).toBe(1)
    expect(await prune(token, { domain: 'b' })).toMatchObject({ status: 200 })
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeToken } from '../../support/access/tokens.ts'
import { kinds } from '../../support/database/database.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

/** Sends the same request a number of times, one after another, and returns the answers. */
async function repeat(world: World, n: number, headers: Record<string, string>) {
  const answers = []
  for (let sent = 0; sent < n; sent++) answers.push(await world.call('GET', paths.stats, undefined, headers))
  return answers
}

const tenThenLimited = [...Array.from({ length: 10 }, () => 401), 429, 429]

describe('wrong keys', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres', { JOBS_TRUSTED_PROXIES: '127.0.0.1, ::1' })
  })
  afterAll(() => world?.stop())

  it('are 429 after ten in a minute, with the seconds to wait; the right key is answered all the same', async () => {
    const answers = await repeat(world, 12, { 'x-api-key': 'wrong' })
    expect(answers.map(({ status }) => status)).toEqual(tenThenLimited)
    const limited = answers.at(-1)
    expect(limited?.body).toMatchObject({ code: 'rate_limited', hint: expect.any(String) })
    expect(Number(limited?.headers['retry-after'])).toBeGreaterThan(0)
    expect(Number(limited?.headers['retry-after'])).toBeLessThanOrEqual(60)
    expect((await repeat(world, 3, {})).map(({ status }) => status)).toEqual([200, 200, 200])
    expect(world.log.filter((line) => line.includes('wrong credentials in a minute'))).toHaveLength(1)
  })

  it('are counted by the address that a trusted proxy says, and a missing key is not counted', async () => {
    const from = (address: string) => ({ 'x-api-key': 'wrong', 'x-forwarded-for': address })
    const first = await repeat(world, 12, from('203.0.113.7'))
    expect(first.map(({ status }) => status)).toEqual(tenThenLimited)
    expect((await repeat(world, 1, from('203.0.113.8')))[0]?.status).toBe(401)
    const missing = await repeat(world, 15, { 'x-api-key': '', 'x-forwarded-for': '203.0.113.9' })
    expect(new Set(missing.map(({ status }) => status))).toEqual(new Set([401]))
  })
})

describe.each(kinds)('tokens on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user', JOBS_TRUSTED_PROXIES: '127.0.0.1, ::1' })
  })
  afterAll(() => world?.stop())

  const bearer = (token: string, address = '203.0.113.1') => ({
    ...{ 'x-api-key': '', authorization: `Bearer ${token}`, 'x-forwarded-for': address },
  })

  it('with a wrong secret are 429 after ten in a minute, wherever they come from; the right secret is answered', async () => {
    const token = await makeToken(world.sql, 'guessed')
    const wrong = `${token.slice(0, 18)}${'x'.repeat(43)}`
    const statuses: number[] = []
    for (let nth = 0; nth < 12; nth++) {
      const [answer] = await repeat(world, 1, bearer(wrong, `203.0.113.${100 + nth}`))
      statuses.push(answer?.status ?? 0)
    }
    expect(statuses).toEqual(tenThenLimited)
    expect((await repeat(world, 2, bearer(token))).map(({ status }) => status)).toEqual([200, 200])
  })

  it('of one name are two callers, and creating the second warns of the name on standard error', async () => {
    const make = () => runServer(['token', 'create', 'twin', '--role', 'operator'], world.env)
    const [first, second] = [await make(), await make()]
    expect(first).toMatchObject({ code: 0, err: '' })
    expect(second).toMatchObject({
      code: 0,
      err: expect.stringMatching(/^warning: 2 live tokens have the name twin; .+\n$/),
    })
    expect(second.out).toMatch(/^jobs_[0-9a-f]{12}_[\w-]{43}\n$/)

    const as = (made: { out: string }) => ({ ...bearer(made.out.trim()), 'idempotency-key': 'k' })
    await world.jobs(2)
    const filters = { statuses: ['completed'], older_than_days: 1 }
    const [one, two] = [
      await world.confirm(paths.prune, { ...filters, domain: 'a' }, as(first)),
      await world.confirm(paths.prune, { ...filters, domain: 'b' }, as(second)),
    ]
    expect([one.status, two.status]).toEqual([200, 200])
    const ids = [first, second].map(({ out }) => out.split('_')[1])
    const records = await world.sql<
      { caller: string }[]
    >`select caller from job_operations where kind = 'prune' order by id`
    expect(records.map(({ caller }) => caller)).toEqual(ids)
  })

  it('find their keys again that a server before this version kept under the name', async () => {
    const token = await makeToken(world.sql, 'veteran')
    const headers = { ...bearer(token), 'idempotency-key': 'old' }
    const first = await world.confirm(paths.prune, { domain: 'c' }, headers)
    await world.sql`update job_operations set caller = 'veteran' where idempotency_key = 'old'`
    expect((await world.confirm(paths.prune, { domain: 'c' }, headers)).body).toEqual(first.body)
    expect((await world.confirm(paths.prune, { domain: 'd' }, headers)).status).toBe(409)
  })

  it('do not find the keys of a token whose id is their name', async () => {
    const token = await makeToken(world.sql, 'owner')
    const thief = await makeToken(world.sql, token.split('_')[1] ?? '')
    const key = { 'idempotency-key': 'mine' }
    await world.confirm(paths.prune, { domain: 'e' }, { ...bearer(token), ...key })
    expect((await world.confirm(paths.prune, { domain: 'f' }, { ...bearer(thief), ...key })).status).toBe(200)
  })
})

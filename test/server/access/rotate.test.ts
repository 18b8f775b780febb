import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { bearer, idOf, makeToken } from '../../support/access/tokens.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, type World } from '../../support/world.ts'

const Rotated = z.object({ id: z.string(), token: z.string(), previous_until: z.string().nullable() })

describe.each(kinds)('the rotation of a token on %s', (kind) => {
  let world: World
  let admin: Record<string, string>
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
    admin = bearer(await makeToken(world.sql, 'boss', 'admin'))
  })
  afterAll(() => world?.stop())

  const call = (token: string, body: object = {}, as = admin) =>
    world.post(`/api/v1/tokens/${idOf(token)}/rotate`, body, as)
  const rotate = async (token: string, body?: object) => Rotated.parse((await call(token, body)).body)
  const statusWith = async (token: string) =>
    (await world.call('GET', '/api/v1/jobs/stats', undefined, bearer(token))).status
  const statuses = (...tokens: string[]) => Promise.all(tokens.map(statusWith))
  const endOverlap = (token: string) =>
    world.sql`update jobsctl_tokens set previous_until = now() where id = ${idOf(token)}`

  it('takes both secrets until the overlap is over, then the new one alone', async () => {
    const old = await makeToken(world.sql, 'ci', 'viewer')
    const { id, token, previous_until } = await rotate(old)
    expect(id).toBe(idOf(old))
    expect(token).toMatch(new RegExp(`^jobs_${id}_[\\w-]{43}$`))
    expect(Math.abs(Date.parse(previous_until ?? '') - Date.now() - 86_400_000)).toBeLessThan(60_000)
    expect(await statuses(old, token)).toEqual([200, 200])
    await endOverlap(old)
    expect(await statuses(old, token, old, token)).toEqual([401, 200, 401, 200])
    const shown = await world.call('GET', `/api/v1/tokens/${id}`, undefined, admin)
    expect(shown.body).toMatchObject({ id, role: 'viewer', previous_until: null })
    const secrets = [old, token].map((one) => one.split('_').slice(2).join('_'))
    const stored = JSON.stringify([shown, world.log, await world.sql`select * from jobsctl_tokens`])
    for (const secret of secrets) expect(stored).not.toContain(secret)
  })

  it('ends the secret before at once with 0, and the one before that with each further rotation', async () => {
    const first = await makeToken(world.sql, 'twice', 'viewer')
    const second = (await rotate(first, { overlap_seconds: 604_800 })).token
    const third = (await rotate(first, { overlap_seconds: 60 })).token
    expect(await statuses(third, second, first)).toEqual([200, 200, 401])
    const { token: last, previous_until } = await rotate(first, { overlap_seconds: 0 })
    expect(previous_until).toBeNull()
    expect(await statuses(last)).toEqual([200])
    expect(await statuses(third, second, first)).toEqual([401, 401, 401])
  })

  it('of one token twice at once leaves two secrets, of which one is the older', async () => {
    const first = await makeToken(world.sql, 'raced', 'viewer')
    const rotated = await Promise.all([rotate(first), rotate(first)])
    expect(await statuses(...rotated.map(({ token }) => token))).toEqual([200, 200])
    expect(await statuses(first)).toEqual([401])
  })

  it('gives a token from before there were roles a new secret and leaves it all rights', async () => {
    const old = await makeToken(world.sql, 'veteran')
    const { token } = await rotate(old)
    expect(await statuses(old, token)).toEqual([200, 200])
    expect((await call(token, {}, bearer(token))).status).toBe(200)
  })

  it('revives no token: both secrets of a suspended or revoked one are refused, and an ended one is not rotated', async () => {
    const old = await makeToken(world.sql, 'ending', 'viewer')
    const { token } = await rotate(old)
    const change = (action: string) => world.post(`/api/v1/tokens/${idOf(old)}/${action}`, {}, admin)
    await change('suspend')
    expect(await statuses(old, token)).toEqual([401, 401])
    const another = (await rotate(old)).token
    expect(await statuses(another)).toEqual([401])
    await change('resume')
    expect(await statuses(token, another)).toEqual([200, 200])
    await change('revoke')
    expect(await statuses(token, another)).toEqual([401, 401])
    const before = await world.sql`select * from jobsctl_tokens where id = ${idOf(old)}`
    expect(await call(old)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect(await world.sql`select * from jobsctl_tokens where id = ${idOf(old)}`).toEqual(before)
  })

  it.each([-1, 604_801, 1.5, '60', true])(
    'is refused with an overlap of %j, and an unknown id is 404',
    async (seconds) => {
      const old = await makeToken(world.sql, 'kept', 'viewer')
      expect((await call(old, { overlap_seconds: seconds })).status).toBe(422)
      expect(await statuses(old)).toEqual([200])
      expect((await call('jobs_ffffffffffff_')).status).toBe(404)
      expect((await call(old, {}, bearer(old))).status).toBe(403)
    },
  )

  it('lets a stream of the old secret go on until the overlap is over', async () => {
    const old = await makeToken(world.sql, 'watching', 'viewer')
    const ended = new AbortController()
    const response = await fetch(`${world.url}/api/v1/jobs/events/stream`, {
      headers: { authorization: `Bearer ${old}` },
      signal: ended.signal,
    })
    const tell = (queue: string) =>
      world.sql`insert into job_events (queue, event_type) values (${queue}, 'job.created')`
    await rotate(old)
    await tell('during')
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString()
      if (!text.includes('"queue":"during"') || text.includes('over')) continue
      await endOverlap(old)
      await tell('over')
    }
    expect(text).toContain('"queue":"during"')
    expect(text).not.toContain('"queue":"over"')
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { bearer, idOf, makeToken } from '../../support/access/tokens.ts'
import { kinds } from '../../support/database/database.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../support/world.ts'

const path = '/api/v1/tokens'
const Made = z.object({ token: z.string() })

describe.each(kinds)('revoking tokens on %s', (kind) => {
  let world: World
  let boss: string
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
    boss = await makeToken(world.sql, 'boss', 'admin')
  })
  afterAll(() => world?.stop())

  const makeAs = async (maker: string, name: string, role = 'admin') =>
    Made.parse((await world.post(path, { name, role }, bearer(maker))).body).token
  const act = (as: string, token: string, action: string, body: object = {}) =>
    world.post(`${path}/${idOf(token)}/${action}`, body, bearer(as))
  const works = async (token: string) => {
    const { status } = await world.call('GET', '/api/v1/caller', undefined, bearer(token))
    return status === 200
  }

  it('as a tree ends what a token made, and what that made, and nothing else, on one record', async () => {
    const root = await makeAs(boss, 'root')
    const child = await makeAs(root, 'child')
    const grandchild = await makeAs(child, 'grandchild', 'viewer')
    const dead = await makeAs(root, 'dead', 'viewer')
    const sibling = await makeAs(boss, 'sibling', 'viewer')
    await act(boss, dead, 'revoke')
    const response = await fetch(`${world.url}/api/v1/jobs/events/stream`, {
      headers: { authorization: `Bearer ${grandchild}` },
    })
    expect(response.status).toBe(200)
    expect(await act(boss, root, 'revoke', { tree: true })).toMatchObject({ status: 200, body: { name: 'root' } })
    expect([await works(root), await works(child), await works(grandchild)]).toEqual([false, false, false])
    expect([await works(sibling), await works(boss)]).toEqual([true, true])
    await world.sql`insert into job_events (queue, event_type) values ('unseen', 'job.created')`
    let text = ''
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString()
    expect(text).not.toContain('unseen')
    const [record] = await world.sql<{ filters: { token: string; with: string[] } }[]>`
      select filters from job_operations where kind = 'token.revoked' order by id desc limit 1`
    expect(record?.filters).toMatchObject({ token: idOf(root) })
    expect(new Set(record?.filters.with)).toEqual(new Set([idOf(child), idOf(grandchild)]))
  })

  it('as a tree ends the tokens that it rotated, whose secrets it has', async () => {
    const root = await makeAs(boss, 'root')
    const other = await makeToken(world.sql, 'other', 'viewer')
    const fresh = Made.parse((await act(root, other, 'rotate')).body).token
    expect([await works(other), await works(fresh)]).toEqual([true, true])
    await act(boss, root, 'revoke', { tree: true })
    expect([await works(other), await works(fresh)]).toEqual([false, false])
  })

  it('as a tree ends the tokens of one that is revoked already, and without it leaves them', async () => {
    const root = await makeAs(boss, 'root')
    const child = await makeAs(root, 'child', 'viewer')
    await act(boss, root, 'revoke')
    expect(await works(child)).toBe(true)
    const done = await runServer(['token', 'revoke', idOf(root), '--tree'], world.env)
    expect(done).toMatchObject({ code: 0, out: `revoked ${idOf(child)}\n` })
    expect(await works(child)).toBe(false)
    expect((await runServer(['token', 'revoke', 'ffffffffffff', '--tree'], world.env)).code).toBe(5)
  })

  it('leaves no token that was being made by one of them', async () => {
    const root = await makeAs(boss, 'root')
    const makes = Array.from({ length: 6 }, (_, at) =>
      world.post(path, { name: `late ${at}`, role: 'viewer' }, bearer(root)),
    )
    const revoked = act(boss, root, 'revoke', { tree: true })
    const made = await Promise.all(makes)
    expect((await revoked).status).toBe(200)
    for (const { status, body } of made) {
      expect([201, 401]).toContain(status)
      if (status === 201) expect(await works(Made.parse(body).token)).toBe(false)
    }
  })

  it('suspending and another role leave one usable admin over HTTP; the database itself may take the last one', async () => {
    await world.sql`update jobs_api_tokens set revoked_at = now() where revoked_at is null`
    const [one, two] = [await makeToken(world.sql, 'one', 'admin'), await makeToken(world.sql, 'two', 'admin')]
    expect((await act(one, two, 'suspend')).status).toBe(200)
    const body = { code: 'conflict', detail: expect.stringContaining('no usable token of an admin') }
    for (const action of ['suspend', 'revoke']) expect(await act(one, one, action)).toMatchObject({ status: 409, body })
    expect(await act(one, one, 'revoke', { tree: true })).toMatchObject({ status: 409, body })
    expect(await act(one, one, 'role', { role: 'viewer' })).toMatchObject({ status: 409, body })
    expect(await works(one)).toBe(true)
    expect((await act(one, two, 'resume')).status).toBe(200)
    const both = await Promise.all([act(one, two, 'revoke'), act(two, one, 'revoke')])
    // The second one is refused: as the last admin, or since its caller has been revoked before it was asked.
    expect(both.filter(({ status }) => status === 200)).toHaveLength(1)
    const last = (await works(one)) ? one : two
    expect((await runServer(['token', 'revoke', idOf(last)], world.env)).code).toBe(0)
    expect(await works(last)).toBe(false)
  })
})

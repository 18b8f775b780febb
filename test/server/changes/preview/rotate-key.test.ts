import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { previewOf, prune } from '../../../support/changes/bulk-tools.ts'
import { tokenBody, tokenSigner } from '../../../support/changes/sign-token.ts'
import { kinds } from '../../../support/database/database.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'
import { openWorld, paths, type World } from '../../../support/world.ts'

describe.each(kinds)('the key that signs previews on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    await world.jobs(2, { ...prune.wanted })
  })

  const rotate = (...more: string[]) => runServer(['rotate', 'preview-key', ...more], world.env)
  const apply = async (preview_token: string) =>
    (await world.confirm(paths.prune, { ...prune.body, preview_token })).status

  it('is made anew, and previews of the one before are taken until they are void', async () => {
    const { token } = await previewOf(world, prune)
    const done = await rotate()
    expect(done).toMatchObject({ code: 0, out: expect.stringContaining('are taken for eight days') })
    const { token: next } = await previewOf(world, prune)
    expect(next).not.toBe(token)
    expect(await apply(token)).toBe(200)
    await world.jobs(2, { ...prune.wanted })
    const { token: last } = await previewOf(world, prune)
    expect((await rotate('--at-once')).code).toBe(0)
    expect([await apply(next), await apply(last)]).toEqual([409, 409])
    expect(await apply((await previewOf(world, prune)).token)).toBe(200)
    const acts = await world.sql<{ filters: object; caller: string }[]>`
      select filters, caller from job_operations where kind = 'preview_key.rotated' order by id`
    expect(acts).toMatchObject([
      { filters: { at_once: false }, caller: expect.stringContaining('@') },
      { filters: { at_once: true } },
    ])
  })

  it('is named in the token by an id, which a token of an earlier server does not have', async () => {
    const { token } = await previewOf(world, prune)
    const { key, ...earlier } = tokenBody(token)
    const sign = await tokenSigner(world)
    expect(key).toMatch(/^[0-9a-f]{8}$/)
    expect(tokenBody((await previewOf(world, prune)).token).key).toBe(key)
    const forged = await world.confirm(paths.prune, {
      ...prune.body,
      preview_token: sign({ ...earlier, key: 'ffffffff' }),
    })
    expect(forged).toMatchObject({ status: 409, body: { detail: expect.stringContaining('the key ffffffff of') } })
    await rotate('--at-once')
    expect(tokenBody((await previewOf(world, prune)).token).key).not.toBe(key)
    const late = await world.confirm(paths.prune, { ...prune.body, preview_token: token })
    expect(late).toMatchObject({ status: 409, body: { detail: expect.stringContaining(`the key ${key} of`) } })
    const next = await tokenSigner(world)
    expect(await apply(next(earlier))).toBe(200)
  })

  it('of two rotations ago is taken no more, nor one of more than eight days ago', async () => {
    const { token } = await previewOf(world, prune)
    await rotate()
    await world.sql`
      update jobsctl_settings set value = (value::jsonb || '{"until": "2020-01-01T00:00:00Z"}')::text
      where name = 'preview_key_previous'`
    expect(await apply(token)).toBe(409)
    const { token: other } = await previewOf(world, prune)
    await rotate()
    await rotate()
    expect(await apply(other)).toBe(409)
  })

  it('expires plans with the key that signed them, and leaves hashes of filters as they are', async () => {
    await world.sql`truncate jobsctl_plans`
    const plan = (kind: string, preview_id: string, days = 0) => world.sql`
      insert into jobsctl_plans (
        path, request, kind, jobs, dependents, preview, token, preview_id, seen, binding, digest, caller, principal, reason,
        created_at, expires_at
      )
      values (
        '', '{}', ${kind}, 1, 0, '{}', '', ${preview_id}, '', '', '', 'ann', 'ann', 'old',
        now() - ${days}::int * interval '1 day', now() + interval '3 days'
      )`
    const open = async () =>
      (
        await world.sql<{ preview_id: string }[]>`
        select preview_id from jobsctl_plans where expires_at > now() order by preview_id`
      ).map((row) => row.preview_id)
    const hash = async () =>
      z
        .object({ filter_hash: z.string() })
        .parse(
          (await world.post('/api/v1/jobs/erase', { domain: 'chatbooks', owner_user_id: 'ann', dry_run: true })).body,
        ).filter_hash
    const before = await hash()
    await rotate('--at-once')
    await plan('prune', 'a')
    await plan('policy', 'p')
    expect((await rotate()).out).not.toContain('expired')
    await plan('prune', 'b')
    await plan('prune', 'c', 3)
    expect((await rotate()).out).toContain('2 plans have expired with the key that signed them: plan them again')
    expect(await open()).toEqual(['b', 'p'])
    expect((await rotate('--at-once')).out).toContain('1 plan has expired')
    expect(await open()).toEqual(['p'])
    expect(await hash()).toBe(before)
  })
})

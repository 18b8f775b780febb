import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { previewOf, prune } from '../../../support/bulk-tools.ts'
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
})

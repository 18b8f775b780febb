import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { at, clearAll, doneOf, previewOf, prune } from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const scope = { domain: 'chatbooks' }
const unarchived = { ...scope, no_archive: true }
const warning = 'the jobs are deleted without a copy in the archive (no_archive)'

describe.each(kinds)('a prune without a copy in the archive on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  const previewed = (fields: object) => previewOf(world, { ...prune, preview: { ...prune.preview, ...fields } })
  const archived = async () => (await world.sql`select from jobs_archive`).length

  it('says before that there is no way back, and keeps nothing', async () => {
    await world.jobs(3)
    const preview = await previewed({ no_archive: true })
    expect(preview).toMatchObject({ restorable: 0, kept_days: null, archive_bytes: 0, no_way_back: warning })
    expect(await previewed({})).not.toHaveProperty('no_way_back')
    const { affected, operation = 0 } = doneOf(await world.confirm(paths.prune, unarchived))
    expect([affected, await archived()]).toEqual([3, 0])
    expect((await world.call('GET', at.get(operation))).body).toMatchObject({
      filters: { no_archive: true },
      no_way_back: warning,
    })
    expect(await world.confirm(at.undo(operation), {})).toMatchObject({
      status: 409,
      body: { detail: `operation ${operation} cannot be undone: ${warning}; nothing was changed` },
    })
  })

  it('is another change than one with a copy, for a preview token and for an idempotency key', async () => {
    await world.jobs(2)
    const [kept, unkept] = [await previewed({}), await previewed({ no_archive: true })]
    for (const [fields, { token }] of [[unarchived, kept] as const, [scope, unkept] as const]) {
      expect(await world.confirm(paths.prune, { ...fields, preview_token: token })).toMatchObject({
        status: 409,
        body: { code: 'preview_stale', detail: 'the preview is of other filters; nothing was changed' },
      })
    }
    const key = { 'Idempotency-Key': 'prune-once' }
    const { operation = 0 } = doneOf(await world.confirm(paths.prune, { ...scope, preview_token: kept.token }, key))
    const other = await world.confirm(paths.prune, { ...unarchived, preview_token: kept.token }, key)
    expect(other.status).toBe(409)
    await world.jobs(1, { domain: 'media' })
    const bare = await world.confirm(paths.prune, unarchived, key)
    expect(bare).toMatchObject({ status: 409, body: { detail: expect.stringContaining('belongs to another request') } })
    expect(doneOf(await world.confirm(at.undo(operation), {})).affected).toBe(2)
  })
})

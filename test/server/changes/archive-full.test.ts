import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { changes, clearAll, previewOf, prune } from '../../support/changes/bulk-tools.ts'
import { applyRules, endOfRun, makeDue, pruning } from '../../support/changes/policy.ts'
import { kinds } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(kinds)('an archive that is above its limit already on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind, { JOBS_ARCHIVE_MAX_BYTES: '1' })
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  const detail =
    /^jobs_archive has [\d.]+ [kM]B, above its limit of 1 B \(JOBS_ARCHIVE_MAX_BYTES\); nothing was changed$/

  it('is told by the preview, and no prune begins, however often it is asked for', async () => {
    await world.jobs(3)
    const { token, archive_full } = await previewOf(world, prune)
    expect(archive_full).toEqual({ bytes: expect.any(Number), limit: 1 })
    for (const body of [prune.body, { ...prune.body, preview_token: token }])
      expect(await world.confirm(prune.path, body)).toMatchObject({
        status: 412,
        body: { code: 'limit_exceeded', detail: expect.stringMatching(detail) },
      })
    expect(await world.count()).toBe(3)
    expect(await world.sql`select from job_operations`).toHaveLength(0)
    expect((await world.confirm(prune.path, { ...prune.body, no_archive: true })).body).toMatchObject({ deleted: 3 })
  })

  it('is told off a terminal, and ends cron with exit 8', async () => {
    await world.jobs(3)
    const argv = ['prune', '--domain', 'chatbooks', '--older-than', '1d']
    const dry = await world.jobsctl([...argv, '--dry-run'])
    expect(dry.code).toBe(0)
    expect(dry.out).toMatch(/jobs_archive has .*, above its limit of 1 B: the change would be refused/)
    const run = await world.jobsctl([...argv, '--yes'])
    expect(run).toMatchObject({ code: 8, out: '' })
    expect(run.err).toMatch(/jobs_archive has .* nothing was changed/)
    expect(await world.count()).toBe(3)
  })

  it('refuses the run of a rule, which says why', async () => {
    await world.jobs(3, { status: 'completed', completed_at: ago(40 * 86_400) })
    expect((await applyRules(world, [pruning()])).status).toBe(200)
    await makeDue(world.sql, 'finished')
    const last = await endOfRun(world, 'finished')
    expect(last).toMatchObject({ affected: 0, problem: expect.stringContaining('above its limit') })
    await applyRules(world, [])
    expect(await world.count()).toBe(3)
  })

  it('is no matter of other changes', async () => {
    for (const change of changes.filter(({ kind }) => kind !== 'prune')) {
      await clearAll(world)
      await world.jobs(2, change.wanted)
      expect((await previewOf(world, change)).archive_full, change.name).toBeUndefined()
      expect((await world.confirm(change.path, change.body)).status, change.name).toBe(200)
    }
  })
})

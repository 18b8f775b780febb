import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { Preview } from '../../../../shared/changes/bulk-change.ts'
import {
  ask,
  at,
  cancelSweep,
  changes,
  clearAll,
  doneOf,
  integrity,
  previewOf,
  prune,
  requeue,
} from '../../../support/changes/bulk-tools.ts'
import { ago } from '../../../support/database/job-row.ts'
import { openWorld, type World } from '../../../support/world.ts'

/** A preview is for a person who decides: who is affected, why, what goes along, and what can be undone. */
describe('the contents of a preview', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  it.each(changes)('$name: has groups with their oldest job, and owners', async (change) => {
    await world.jobs(2, { ...change.wanted, owner_user_id: 'ann' })
    const { groups, owners, oldest } = await previewOf(world, change)
    expect(groups).toMatchObject([{ domain: 'chatbooks', queue: 'default', job_type: 'export', count: 2 }])
    expect(groups[0]?.oldest).toBe(oldest && `${oldest.slice(0, 19)}Z`)
    expect(owners).toEqual([{ owner_user_id: 'ann', count: 2 }])
  })

  it.each(changes)('$name: estimates what it leaves behind', async (change) => {
    await world.jobs(20, change.wanted)
    const { bytes_estimate, archive_bytes, wal_bytes, kept_days, restorable, not_watched } = await previewOf(
      world,
      change,
    )
    expect(archive_bytes).toBe(change.kind === 'prune' ? bytes_estimate : 0)
    expect(wal_bytes).toBe(change.kind === 'prune' ? 2 * bytes_estimate : 60_000)
    expect(kept_days).toBe(restorable === 0 ? null : 7)
    expect(not_watched).toEqual([])
  })

  it('of nothing estimates nothing', async () => {
    expect(await previewOf(world, prune)).toMatchObject({ archive_bytes: 0, wal_bytes: 0, kept_days: null })
  })

  it('of a sweep says why jobs match, what is cancelled along, and how many an undo can restore', async () => {
    await world.jobs(1, { status: 'queued', uuid: 'old' })
    await world.jobs(1, { status: 'queued' })
    await world.jobs(3, { status: 'processing' })
    await world.jobs(1, { status: 'queued', uuid: 'waits', created_at: ago(60) })
    await world.jobs(1, { status: 'queued', uuid: 'waits-for-that', created_at: ago(60) })
    await world.sql`
      insert into job_dependencies (job_uuid, depends_on_job_uuid) values ('waits', 'old'), ('waits-for-that', 'waits')`
    expect(await previewOf(world, cancelSweep)).toMatchObject({
      count: 5,
      reasons: [
        { reason: 'age', count: 2 },
        { reason: 'runtime', count: 3 },
      ],
      dependents: 2,
      restorable: 2,
    })
    const { operation = 0 } = doneOf(await ask(world, cancelSweep))
    const undo = await world.post(at.undo(operation), { dry_run: true })
    // The two queued jobs and the two dependents; the running jobs have lost their workers.
    expect(undo.body).toMatchObject({ affected: 4, conflict_count: 3 })
  })

  it('of a prune counts the jobs that can never run without a deleted job', async () => {
    await world.jobs(1, { status: 'failed', uuid: 'failed' })
    await world.jobs(1, { status: 'completed', uuid: 'done' })
    await world.jobs(2, { status: 'queued', domain: 'other' })
    await world.sql`
      insert into job_dependencies (job_uuid, depends_on_job_uuid)
      select uuid, needed from jobs, (values ('failed'), ('done')) as n (needed) where status = 'queued'`
    expect(await previewOf(world, prune)).toMatchObject({ count: 2, dependents: 2, restorable: 2 })
  })

  it('of a requeue, a repair and an undo says how many jobs an undo can restore', async () => {
    await world.jobs(2, requeue.wanted)
    await world.jobs(1, integrity.wanted)
    await world.jobs(1, { status: 'queued', worker_id: 'left' })
    await world.jobs(1, {})
    expect(await previewOf(world, requeue)).toMatchObject({ count: 2, dependents: 0, restorable: 2 })
    expect(await previewOf(world, integrity)).toMatchObject({
      count: 2,
      reasons: [
        { reason: 'expired_lease', count: 1 },
        { reason: 'stale_lease', count: 1 },
      ],
      restorable: 0,
    })
    const { operation = 0 } = doneOf(await ask(world, prune))
    const { body } = await world.post(at.undo(operation), { dry_run: true })
    expect(z.object({ preview: Preview }).parse(body).preview).toMatchObject({ count: 1, restorable: 0 })
  })
})

describe('the preview of a prune without an archive', () => {
  it('says that an undo can restore no job', async () => {
    const world = await openWorld('postgres', { JOBS_ARCHIVE_BEFORE_DELETE: 'false' })
    try {
      await world.jobs(3)
      expect(await previewOf(world, prune)).toMatchObject({ count: 3, restorable: 0 })
    } finally {
      await world.stop()
    }
  })
})

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openWorld, paths, type World } from '../../support/world.ts'

describe('a prune into an archive that takes each uuid once', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
    await world.sql`create unique index idx_jobs_archive_uuid_unique on jobs_archive (uuid) where uuid is not null`
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    await world.sql`delete from jobs_archive`
  })

  /** Three jobs to prune, the second of which the archive has already. */
  async function threeJobs(): Promise<[number, number, number]> {
    const [first = 0, twin = 0, last = 0] = await world.jobs(3)
    await world.sql`
      insert into jobs_archive (id, uuid, domain, queue, job_type, status)
      select id, uuid, domain, queue, job_type, status from jobs where id = ${twin}::bigint`
    return [first, twin, last]
  }

  it('leaves out what is archived already, names and counts it, and takes the rest', async () => {
    const [, twin] = await threeJobs()
    const left = { already_archived: { count: 1, ids: [twin] } }
    expect((await world.post(paths.prune, { dry_run: true })).body).toMatchObject({ deleted: 2, ...left })
    expect((await world.confirm(paths.prune, {})).body).toMatchObject({ deleted: 2, ...left })
    expect((await world.rows()).map(({ id }) => id)).toEqual([twin])
    expect((await world.confirm(paths.prune, {})).body).toMatchObject({ deleted: 0, ...left })
  })

  it('answers a request that is sent again as before, whatever became of the archive', async () => {
    await threeJobs()
    const key = { 'Idempotency-Key': 'prune-once' }
    const { body } = await world.confirm(paths.prune, {}, key)
    await world.sql`delete from jobs_archive`
    expect((await world.confirm(paths.prune, {}, key)).body).toEqual(body)
  })

  it('is told by jobsctl, before and after', async () => {
    const [, twin] = await threeJobs()
    const note = `1 job stays, since jobs_archive has a job of the same uuid already: ${twin}`
    expect(await world.jobsctl(['prune', '--all', '--dry-run'])).toMatchObject({
      code: 0,
      err: expect.stringContaining(note),
    })
    expect(await world.jobsctl(['prune', '--all', '--yes'])).toMatchObject({
      code: 0,
      err: expect.stringContaining(note),
    })
  })

  it('deletes them all where nothing is archived', async () => {
    await threeJobs()
    const { body } = await world.confirm(paths.prune, { no_archive: true })
    expect(body).toMatchObject({ deleted: 3 })
    expect(body).not.toHaveProperty('already_archived')
  })
})

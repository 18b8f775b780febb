import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { deleteExpiredArchive } from '../../../server/undo/archive/archive-retention.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const undo = (id: number) => `/api/v1/jobs/operations/${id}/undo`
const going = new AbortController().signal

describe.each(kinds)('the archive on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const archived = async () =>
    (await world.sql<{ id: number }[]>`select id from jobs_archive order by id`).map(({ id }) => Number(id))

  /** Sweeps the archive, and waits for what the server, which sweeps as well, has locked meanwhile. */
  const expectSwept = async (days: number, left: number[]) => {
    await deleteExpiredArchive(world.sql, { days, stopping: going })
    await expect.poll(archived).toEqual(left)
  }

  it('is swept of what operations put there so many days ago, and of nothing else', async () => {
    const old = await world.jobs(3)
    await world.confirm(paths.prune, {})
    const young = await world.jobs(2)
    await world.confirm(paths.prune, {})
    await world.jobs(2, { status: 'quarantined' })
    await world.confirm(paths.requeue, { domain: 'chatbooks' })
    await world.sql`insert into jobs_archive (id, domain, queue, job_type, status, archived_at)
      values (4711, 'd', 'q', 't', 'completed', now() - interval '900 days')`
    await world.sql`update jobs_archive set archived_at = now() - interval '169 hours' where operation_id = 1`
    await world.sql`update job_operations set ended_at = now() - interval '169 hours' where id in (1, 3)`
    expect(await archived()).toEqual([...old, ...young, 4711])

    await expectSwept(7, [...young, 4711])

    await expect.poll(() => world.sql`select from job_operation_rows`).toHaveLength(0)
    for (const id of [1, 3]) {
      expect(await world.confirm(undo(id), {})).toMatchObject({
        status: 409,
        body: { detail: expect.stringContaining('or has them no longer; nothing was changed') },
      })
    }
    expect(await world.confirm(undo(2), {})).toMatchObject({ body: { affected: 2 } })
  })

  it('keeps each operation for the term of its server, whatever another server has', async () => {
    const old = await world.jobs(3)
    await world.confirm(paths.prune, {})
    await world.jobs(2, { status: 'quarantined' })
    await world.confirm(paths.requeue, { domain: 'chatbooks' })
    await world.jobs(1)
    await world.confirm(paths.prune, {})
    await world.sql`update jobs_archive set archived_at = now() - interval '49 hours'`
    await world.sql`update job_operations set ended_at = now() - interval '49 hours'`
    // As a server with JOBS_ARCHIVE_DAYS=1 writes the term of its own operation.
    await world.sql`update jobsctl_operation_terms set archive_days = 1 where operation_id = 3`

    await expectSwept(1, old)
    expect(await world.confirm(undo(1), {})).toMatchObject({ body: { affected: 3 } })
    expect(await world.confirm(undo(2), {})).toMatchObject({ body: { affected: 2 } })
  })

  it('keeps an operation of an earlier version, which has no term, for the term of the server that deletes', async () => {
    const jobs = await world.jobs(3)
    await world.confirm(paths.prune, {})
    await world.sql`delete from jobsctl_operation_terms`
    await world.sql`update jobs_archive set archived_at = now() - interval '49 hours'`
    await expectSwept(3, jobs)
    await expectSwept(2, [])
  })
})

describe('an archive that hands its rows on', () => {
  it('takes no job out of the count', async () => {
    const world = await openWorld('postgres')
    try {
      await world.sql.unsafe(`
        create table elsewhere (id bigint);
        create function hand_on() returns trigger language plpgsql as $$
          begin insert into elsewhere values (new.id); return null; end $$;
        create trigger hand_on before insert on jobs_archive for each row execute function hand_on()`)
      await world.jobs(3)
      expect(await world.confirm(paths.prune, {})).toMatchObject({ status: 200, body: { deleted: 3 } })
      expect(await world.count()).toBe(0)
      expect(await world.sql`select id from elsewhere`).toHaveLength(3)
    } finally {
      await world.stop()
    }
  })
})

describe('without an archive', () => {
  it('a prune deletes for good, and its undo says so', async () => {
    const world = await openWorld('postgres', { JOBS_ARCHIVE_BEFORE_DELETE: 'false' })
    try {
      await world.jobs(2)
      expect(await world.confirm(paths.prune, {})).toMatchObject({ body: { deleted: 2 } })
      expect(await world.sql`select 1 from jobs_archive`).toHaveLength(0)
      for (const body of [{ dry_run: true }, {}]) {
        expect(await world.confirm(undo(1), body)).toMatchObject({ status: 409, body: { code: 'conflict' } })
      }
      expect(await world.call('GET', '/api/v1/jobs/storage')).toMatchObject({
        body: { archive_before_delete: false, archive_days: 7 },
      })
    } finally {
      await world.stop()
    }
  })
})

import type { Sql } from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { EnqueuedJob } from '../../../shared/work/enqueue.ts'
import { holding, otherProgram } from '../../support/changes/bulk-tools.ts'
import { until } from '../../support/poll.ts'
import { jobPaths, newJob, workerOf } from '../../support/worker.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

describe('edges, where the other program keeps snapshots of deleted jobs', () => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  let theirs: Sql
  beforeAll(async () => {
    world = await openWorld('postgres')
    worker = workerOf(world.post)
    theirs = otherProgram(world, 6)
    await world.sql`
      alter table job_dependencies add depends_on_terminal_status text, add depends_on_cancellation_reason text`
  })
  afterAll(async () => {
    await theirs?.end({ timeout: 1 })
    await world?.stop()
  })
  beforeEach(() => world.clear())

  /** Edges that block their job for ever. */
  const orphans = () => world.sql`
    select edge.* from job_dependencies edge
    where depends_on_terminal_status is null
      and not exists (select from jobs where uuid = edge.depends_on_job_uuid)
      and exists (select from jobs where uuid = edge.job_uuid)`
  const edges = async () => [...(await world.sql`select * from job_dependencies order by job_uuid`)]
  const somebodyWaits = async () => {
    const found = await theirs`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    return found.length > 0
  }
  const end = (job: EnqueuedJob, status = 'completed') => world.sql`
    update jobs set status = ${status}, completed_at = now() - interval '90 days' where id = ${job.id}::bigint`
  const prune = async (fields = {}) => (await world.confirm(paths.prune, fields)).body
  const undo = async (nth: number) => {
    const [row] = await world.sql<{ id: number }[]>`
      select id from job_operations where kind = 'prune' order by id offset ${nth - 1}::int limit 1`
    return (await world.confirm(`/api/v1/jobs/operations/${row?.id}/undo`, {})).body
  }

  describe('added while a deletion has begun', () => {
    /** Lets no deletion go on while the test holds the lock. */
    beforeAll(() =>
      theirs.unsafe(`
        create function gate() returns trigger language plpgsql as $$
        begin
          while not pg_try_advisory_xact_lock_shared(4711) loop perform pg_sleep(0.01); end loop;
          return null;
        end $$;
        create trigger gate before delete on jobs execute function gate()`),
    )
    afterAll(() => theirs.unsafe('drop function gate cascade'))

    it.each([
      ['prune', paths.prune, {}],
      ['erase', '/api/v1/jobs/erase', { owner_user_id: 'ann' }],
    ])('are not left behind by our %s', async (_, path, fields) => {
      const needed = await worker.enqueue({ owner_user_id: 'ann' })
      await end(needed)
      const open = await holding(theirs, (tx) => tx`select pg_advisory_xact_lock(4711)`)
      const deleted = world.confirm(path, fields)
      await until('the deletion has begun', async () => {
        const found = await theirs`
          select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`
        return found.length > 0
      })
      let over = false
      // As the other program adds an edge: it locks the job that is needed, and adds none where that is gone.
      const added = theirs.begin(async (tx) => {
        const [parent] = await tx`select from jobs where id = ${needed.id} for share`
        if (!parent) return
        await tx`
          insert into jobs (uuid, domain, queue, job_type, status) values ('theirs', 'chatbooks', 'default', 'export', 'queued')`
        await tx`insert into job_dependencies (job_uuid, depends_on_job_uuid) values ('theirs', ${needed.uuid})`
      })
      void added.finally(() => {
        over = true
      })
      await until('the edge is there or waits', async () => over || (await somebodyWaits()))
      await open()
      await Promise.all([deleted, added])
      expect((await deleted).status).toBe(200)
      expect([...(await orphans())]).toEqual([])
      expect([...(await world.sql`select from jobs where id = ${needed.id}::bigint`)]).toEqual([])
    })
  })

  it('of a job that depends on one that another program is deleting are not written', async () => {
    const needed = await worker.enqueue()
    await end(needed)
    const commit = await holding(theirs, (tx) => tx`delete from jobs where id = ${needed.id}`)
    const enqueued = world.post(jobPaths.enqueue, newJob({ depends_on: [needed.uuid] }))
    await until('the job waits', somebodyWaits)
    await commit()
    expect(await enqueued).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
    expect(await world.count()).toBe(0)
  })

  it('that an undo gives back beside the deletion of what they need wait for it', async () => {
    const needed = await worker.enqueue({ queue: 'needed' })
    const job = await worker.enqueue({ depends_on: [needed.uuid] })
    await end(needed, 'failed')
    await end(job, 'failed')
    await prune({ queue: 'default' })
    const commit = await holding(theirs, (tx) => tx`delete from jobs where id = ${needed.id}`)
    const undone = undo(1)
    await until('the undo waits', somebodyWaits)
    await commit()
    expect(await undone).toMatchObject({ affected: 1 })
    expect(await edges()).toEqual([])
    expect(await world.count()).toBe(1)
  })

  it('come back to the byte when both ends are there again, in whatever order, and with their snapshots', async () => {
    const needed = await worker.enqueue({ queue: 'needed' })
    const gone = await worker.enqueue({ queue: 'gone' })
    const job = await worker.enqueue({ depends_on: [needed.uuid, gone.uuid] })
    await world.sql`delete from jobs where id = ${gone.id}::bigint`
    await world.sql`
      update job_dependencies
      set depends_on_terminal_status = 'cancelled', depends_on_cancellation_reason = 'pruned'
      where depends_on_job_uuid = ${gone.uuid}`
    await end(needed)
    await end(job)
    const before = await edges()
    expect(await prune({ queue: 'default' })).toMatchObject({ deleted: 1 })
    expect(await prune({ queue: 'needed' })).toMatchObject({ deleted: 1 })
    expect(await edges()).toEqual([])

    expect(await undo(1)).toMatchObject({ affected: 1 })
    expect(await edges()).toMatchObject([{ depends_on_job_uuid: gone.uuid, depends_on_terminal_status: 'cancelled' }])
    expect([...(await orphans())]).toEqual([])
    expect(await undo(2)).toMatchObject({ affected: 1 })
    expect(await edges()).toEqual(expect.arrayContaining(before))
    expect(await edges()).toHaveLength(2)
  })
})

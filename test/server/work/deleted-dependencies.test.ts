import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { EnqueuedJob } from '../../../shared/work/enqueue.ts'
import { kinds } from '../../support/database/database.ts'
import { jobPaths, workerOf } from '../../support/worker.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

/** What the newer version of the other program adds to the table of edges. */
const addSnapshots = (sql: World['sql']) => sql`
  alter table job_dependencies
    add column if not exists depends_on_terminal_status text, add column if not exists depends_on_cancellation_reason text`

describe.each(kinds)('a dependency that the other program has deleted, on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind)
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const statuses = async () => (await world.rows()).map(({ status, cancellation_reason: why }) => why ?? status)
  const reasonsOf = async (job: EnqueuedJob) => {
    const { body } = await world.call('GET', `${jobPaths.enqueue}/${job.id}/explain`)
    return z.object({ reasons: z.array(z.object({ code: z.string(), sentence: z.string() })) }).parse(body).reasons
  }

  /** A job, one that needs it, and one that needs that; the first is deleted as the other program does, with its edge kept. */
  async function deleted(snapshot: string | null): Promise<[EnqueuedJob, EnqueuedJob, EnqueuedJob]> {
    const first = await worker.enqueue({ queue: 'first' })
    const second = await worker.enqueue({ depends_on: [first.uuid] })
    const third = await worker.enqueue({ depends_on: [second.uuid] })
    await world.sql`delete from jobs where id = ${first.id}::bigint`
    await world.sql`
      update job_dependencies set depends_on_terminal_status = ${snapshot} where depends_on_job_uuid = ${first.uuid}`
    return [first, second, third]
  }

  it('blocks nothing where edges have no snapshot, and by its snapshot as soon as the column is there', async () => {
    const first = await worker.enqueue({ queue: 'first' })
    const [job] = await worker.enqueueAll([{ depends_on: [first.uuid] }, { depends_on: [first.uuid], priority: 9 }])
    await world.sql`delete from jobs where id = ${first.id}::bigint`
    expect(await worker.lease()).toMatchObject([{ id: job?.id }])

    await addSnapshots(world.sql)
    expect(await worker.lease()).toEqual([])
    await world.sql`update job_dependencies set depends_on_terminal_status = 'completed'`
    expect(await worker.lease()).toHaveLength(1)
  })

  describe('in a database with snapshots', () => {
    beforeAll(() => addSnapshots(world.sql))

    it('lets a job run whose dependency was completed', async () => {
      const [, second] = await deleted('completed')
      expect(await reasonsOf(second)).not.toContainEqual(expect.objectContaining({ code: 'dependency_gone' }))
      expect(await worker.lease({ limit: 5 })).toMatchObject([{ id: second.id }])
    })

    it.each(['failed', 'cancelled'])('cancels a job whose dependency was %s, and what needs it', async (status) => {
      const [first, second] = await deleted(status)
      expect(await reasonsOf(second)).toContainEqual({
        code: 'dependency_gone',
        sentence: expect.stringContaining(`${first.uuid} (${status}); it can never run, and the next call of a worker`),
      })
      expect(await worker.lease({ limit: 5 })).toEqual([])
      expect(await statuses()).toEqual([`dependency_${status}`, 'dependency_cancelled'])
    })

    it('keeps a job waiting whose dependency nobody has noted, and says so everywhere', async () => {
      const [first, second] = await deleted(null)
      expect(await worker.lease({ limit: 5 })).toEqual([])
      expect(await statuses()).toEqual(['queued', 'queued'])
      expect(await reasonsOf(second)).toContainEqual({
        code: 'dependency_gone',
        sentence: expect.stringContaining(`${first.uuid}; nothing says that this was completed`),
      })
      const line = await world.call('GET', `${jobPaths.queues}/explain?domain=chatbooks&queue=default`)
      expect(line.body).toMatchObject({
        reasons: expect.arrayContaining([expect.objectContaining({ code: 'all_blocked' })]),
      })
    })

    it('shows the last status of the job that is gone', async () => {
      const [first, second] = await deleted('failed')
      expect((await world.call('GET', `${jobPaths.enqueue}/${second.id}`)).body).toMatchObject({
        dependencies: { depends_on: [{ uuid: first.uuid, id: null, status: 'failed', archived: false }] },
      })
    })

    it('goes by the job itself where it is there, whatever a snapshot says', async () => {
      const first = await worker.enqueue({ queue: 'first' })
      await worker.enqueue({ depends_on: [first.uuid] })
      await world.sql`update job_dependencies set depends_on_terminal_status = 'completed'`
      expect(await worker.lease()).toEqual([])
    })

    it('does not bring a job back that such a dependency still holds up', async () => {
      const live = await worker.enqueue({ queue: 'live', max_retries: 0 })
      const [gone] = await deleted('completed')
      const both = await worker.enqueue({ depends_on: [live.uuid], queue: 'both' })
      await world.sql`
        insert into job_dependencies (job_uuid, depends_on_job_uuid, depends_on_terminal_status)
        values (${both.uuid}, ${gone.uuid}, 'failed')`
      await worker.fail(await worker.take({ queue: 'live' }))
      expect((await world.confirm('/api/v1/jobs/batch/retry', { domain: live.domain })).body).toMatchObject({
        affected: 1,
      })
      expect((await world.rows()).find(({ id }) => id === both.id)).toMatchObject({ status: 'cancelled' })
    })

    it('is no reason to wait after our own prune, which takes the edges along and gives them back', async () => {
      const first = await worker.enqueue({ queue: 'first' })
      const second = await worker.enqueue({ depends_on: [first.uuid] })
      await world.sql`
        update jobs set status = 'completed', completed_at = now() - interval '90 days' where id = ${first.id}::bigint`
      const before = [...(await world.sql`select to_jsonb(edge) as edge from job_dependencies edge`)]
      expect((await world.confirm(paths.prune, {})).body).toMatchObject({ deleted: 1 })
      expect(await worker.lease()).toMatchObject([{ id: second.id }])
      const [last] = await world.sql<{ id: number }[]>`select max(id) as id from job_operations`
      expect((await world.confirm(`/api/v1/jobs/operations/${last?.id}/undo`, {})).body).toMatchObject({ affected: 1 })
      expect([...(await world.sql`select to_jsonb(edge) as edge from job_dependencies edge`)]).toEqual(before)
    })
  })
})

import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { asOperator, openScopedWorld } from '../../support/access/scoped-world.ts'
import { clearAll } from '../../support/changes/bulk-tools.ts'
import { addEdge, waitingFor } from '../../support/changes/dependents.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const Done = z.object({ operation_id: z.number() })

describe.each(kinds)('a prune that cancels jobs along, on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  /** Two jobs that failed long ago; three wait for the first, one in another domain for both, and one for one of the three. */
  async function failedWithDependents() {
    const [first, second, foreign, last] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
    await waitingFor(world.sql, 3, { uuid: first })
    await waitingFor(world.sql, 0, { uuid: second })
    await world.jobs(1, { uuid: foreign, status: 'queued', domain: 'tales' })
    await world.jobs(1, { uuid: last, status: 'queued' })
    for (const [job, needs] of [
      [foreign, first],
      [foreign, second],
      [last, `${first}-1`],
    ] as const)
      await addEdge(world.sql, job, needs)
    await world.sql`
      update jobs set status = 'failed', completed_at = '2020-01-01' where uuid = any(${[first, second]}::text[])`
    await world.jobs(2, { status: 'completed', completed_at: '2020-01-01T00:00:00Z' })
    return { first, second, foreign, last }
  }
  const rows = async () => (await world.rows()).map((row) => ({ ...row, updated_at: null }))
  const edges = () => world.sql`select job_uuid, depends_on_job_uuid from job_dependencies order by 1, 2`
  const undo = (id: number, body: object = {}) => world.confirm(`/api/v1/jobs/operations/${id}/undo`, body)
  const prune = async (body: object = {}) => {
    const answer = await world.confirm(paths.prune, body)
    expect(answer).toMatchObject({ status: 200 })
    return { answer: answer.body, id: Done.parse(answer.body).operation_id }
  }

  it('counts them in the preview, the answer and the record, and its undo gives back every one', async () => {
    await failedWithDependents()
    const before = [await rows(), [...(await edges())]]
    const preview = await world.post(paths.prune, { dry_run: true })
    expect(preview).toMatchObject({ body: { deleted: 4, preview: { dependents: 5 } } })
    const { answer, id } = await prune()
    expect(answer).toMatchObject({ deleted: 4, dependents: 5 })
    const record = (await world.call('GET', `/api/v1/jobs/operations/${id}`)).body
    expect(record).toMatchObject({ affected: 4, counts: { deleted: 4, dependents: 5 } })

    expect(await undo(id, { dry_run: true })).toMatchObject({
      body: { affected: 4, conflict_count: 0, preview: { count: 4, dependents: 5 } },
    })
    expect(await undo(id)).toMatchObject({ status: 200, body: { affected: 4, dependents: 5, conflict_count: 0 } })
    expect([await rows(), [...(await edges())]]).toEqual(before)
    expect((await world.call('GET', `/api/v1/jobs/operations/${id}`)).body).toMatchObject({ state: 'undone' })
  })

  it('says all of it on the command line', async () => {
    await failedWithDependents()
    const done = await world.jobsctl(['prune', '--domain', 'chatbooks', '--yes', '--json'])
    const [record] = await world.sql<{ id: number }[]>`select id from job_operations where kind = 'prune'`
    expect(JSON.parse(done.out)).toMatchObject({ affected: 4, dependents: 5 })
    expect(done.err).toContain('note: 5 jobs that depend on them were cancelled along')
    const dry = await world.jobsctl(['undo', String(record?.id), '--dry-run'])
    expect(dry.out).toContain('5 cancelled jobs that depend on them would be given back along')
    const back = await world.jobsctl(['undo', String(record?.id), '--yes'])
    expect(back.err).toContain('note: 5 jobs that depend on them were given back along')
  })

  it('gives back none before each job that it needs, and none that somebody has changed', async () => {
    const { first, foreign, last } = await failedWithDependents()
    const { id } = await prune()
    const ids = await world.sql<{ id: number }[]>`select id from jobs_archive where uuid = ${first}`
    expect(await undo(id, { ids: ids.map((row) => row.id) })).toMatchObject({ body: { affected: 1, dependents: 4 } })
    const states = async () => {
      const found = await world.sql<{ uuid: string; status: string }[]>`
        select uuid, status from jobs where uuid = any(${[foreign, last]}::text[])`
      return Object.fromEntries(found.map(({ uuid, status }) => [uuid, status]))
    }
    expect(await states()).toEqual({ [foreign]: 'cancelled', [last]: 'queued' })
    await world.sql`update jobs set status = 'completed', completed_at = now() where uuid = ${foreign}`
    const rest = await undo(id)
    expect(rest).toMatchObject({ body: { affected: 3, conflict_count: 1 } })
    expect(rest.body).not.toHaveProperty('dependents')
    expect(await states()).toEqual({ [foreign]: 'completed', [last]: 'queued' })
  })

  it('keeps those cancelled whose job does not come back, and says so', async () => {
    const { first, second } = await failedWithDependents()
    const { id } = await prune()
    await world.jobs(1, { uuid: second, status: 'completed' })
    const dry = await undo(id, { dry_run: true })
    expect(dry).toMatchObject({ body: { affected: 3, conflict_count: 2, preview: { dependents: 4 } } })
    expect(await undo(id)).toMatchObject({ body: { affected: 3, dependents: 4, conflict_count: 2 } })
    expect(await world.sql`select from jobs where status = 'queued'`).toHaveLength(4)
    expect(await world.sql`select from jobs where uuid = ${first} and status = 'failed'`).toHaveLength(1)
    const conflicts = await world.call('GET', `/api/v1/jobs/operations/${id}/conflicts`)
    expect(JSON.stringify(conflicts.body)).toContain('a job that it depends on does not come back')
  })

  it('is undone by a token with --cascade with the jobs outside of its scope, as its preview counts them', async () => {
    const scoped = await openScopedWorld(kind)
    const own = await asOperator(scoped, { domains: ['chatbooks'], cascade: true })
    const needed = randomUUID()
    const id = await waitingFor(scoped.sql, 2, { uuid: needed, domain: 'tales' })
    await waitingFor(scoped.sql, 0, { uuid: `${needed}-own` })
    await addEdge(scoped.sql, `${needed}-own`, needed)
    await scoped.sql`update jobs set status = 'failed', completed_at = '2020-01-01' where id = ${id}`
    const pruned = await own.confirm(paths.prune, {})
    expect(pruned).toMatchObject({ status: 200, body: { deleted: 1, dependents: 1, dependents_elsewhere: 2 } })
    const path = `/api/v1/jobs/operations/${Done.parse(pruned.body).operation_id}/undo`
    const both = { dependents: 1, dependents_elsewhere: 2 }
    // The archive is not sealed: an edge for which another job outside would wait stays away.
    await scoped.jobs(1, { uuid: 'stranger', domain: 'tales', status: 'queued' })
    await scoped.sql`
      update jobs_archive set job_dependencies = job_dependencies || jsonb_build_array(
        (job_dependencies -> 0) || jsonb_build_object('job_uuid', 'stranger'))`
    expect(await own.post(path, { dry_run: true })).toMatchObject({ body: { affected: 1, preview: both } })
    expect(await own.confirm(path, {})).toMatchObject({
      status: 200,
      body: { affected: 1, conflict_count: 0, ...both },
    })
    const rows = await scoped.sql`select from jobs where status = 'queued'`
    expect(rows).toHaveLength(4)
    expect(await scoped.sql`select from job_dependencies where depends_on_job_uuid = ${needed}`).toHaveLength(3)
    await scoped.stop()
  })

  it('with no_archive has no way back for them either', async () => {
    await failedWithDependents()
    const { answer, id } = await prune({ no_archive: true })
    expect(answer).toMatchObject({ deleted: 4, dependents: 5 })
    expect(await world.sql`select from job_operation_rows where operation_id = ${id}`).toHaveLength(0)
    expect(await undo(id)).toMatchObject({ status: 409 })
  })
})

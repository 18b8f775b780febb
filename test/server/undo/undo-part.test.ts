import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { undo } from '../../../shared/changes/undo.ts'
import {
  ask,
  at,
  cancelSweep,
  clearAll,
  codeOf,
  doneOf,
  expectIntact,
  prune,
  recordOf,
  requeue,
} from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import { openWorld, type World } from '../../support/world.ts'

const Listed = z.array(z.object({ operation_id: z.number(), jobs: z.number() }))

describe.each(kinds)('an undo of a part on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  const takeBack = async (id = 0, fields: object = {}) =>
    undo.output.parse((await world.confirm(at.undo(id), fields)).body)
  const dryRun = async (id = 0, fields: object = {}) =>
    undo.output.parse((await world.post(at.undo(id), { ...fields, dry_run: true })).body)
  const queuesOf = async () => (await world.rows()).map(({ queue }) => queue).sort()

  /** Three jobs in `low`, two in `high`, one of another type; all pruned. */
  async function pruned() {
    const low = await world.jobs(3, { queue: 'low' })
    const high = await world.jobs(2, { queue: 'high' })
    const [typed = 0] = await world.jobs(1, { queue: 'high', job_type: 'other' })
    const { operation = 0 } = doneOf(await ask(world, prune))
    return { low, high, typed, operation }
  }

  it('gives back the jobs of a scope, then of ids, and the operation is undone with the last of them', async () => {
    const { high, typed, operation } = await pruned()
    expect(await dryRun(operation, { queue: 'low' })).toMatchObject({ affected: 3, preview: { count: 3 } })
    const first = await takeBack(operation, { domain: 'chatbooks', queue: 'low' })
    expect(first.affected).toBe(3)
    expect(await queuesOf()).toEqual(['low', 'low', 'low'])
    expect(await recordOf(world, operation)).toMatchObject({
      state: 'done',
      undone_by: first.operation_id,
      undos: [first.operation_id],
    })
    expect((await world.call('GET', at.get(operation))).body).toMatchObject({ now: { archived: 3 } })
    expect(await recordOf(world, first.operation_id)).toMatchObject({
      undoes: operation,
      domain: 'chatbooks',
      queue: 'low',
      filters: { operation, domain: 'chatbooks', queue: 'low' },
    })
    const listed = await world.call('GET', '/api/v1/jobs/archive/list')
    expect(Listed.parse(listed.body)).toContainEqual({ operation_id: operation, jobs: 3 })
    await expectIntact(world)

    const second = await takeBack(operation, { ids: [...high, 4711] })
    expect(second).toMatchObject({ affected: 2, conflict_count: 0 })
    expect(await recordOf(world, operation)).toMatchObject({ state: 'done', undone_by: second.operation_id })
    const last = await takeBack(operation, { job_type: 'other' })
    expect(await world.rows()).toHaveLength(6)
    expect((await world.rows()).map(({ id }) => id)).toContain(typed)
    expect(await recordOf(world, operation)).toMatchObject({
      state: 'undone',
      undone_by: last.operation_id,
      undos: [first.operation_id, second.operation_id, last.operation_id],
    })
    await expectIntact(world)
  })

  it('of the whole that was stopped leaves the operation as it was, until another gives the rest back', async () => {
    await world.jobs(600, { queue: 'low' })
    const { operation = 0 } = doneOf(await ask(world, prune))
    const stopped = world.confirm(at.undo(operation), { rate: 1 })
    const running = await until('it has given jobs back', async () => {
      const [row] = await world.sql<{ id: number }[]>`
        select id::int from job_operations where kind = 'undo' and state = 'running' and affected > 0`
      return row?.id
    })
    expect((await world.post(`/api/v1/jobs/operations/${running}/stop`, {})).status).toBe(200)
    expect(await stopped).toMatchObject({ status: 503, body: { code: 'partial' } })
    expect(await recordOf(world, operation)).toMatchObject({ state: 'done', undone_by: running, undos: [running] })
    await expectIntact(world)
    const rest = await takeBack(operation)
    expect(await world.rows()).toHaveLength(600)
    expect(await recordOf(world, operation)).toMatchObject({ state: 'undone', undone_by: rest.operation_id })
    await expectIntact(world)
  })

  it('leaves the rest to an undo of the whole, and says which undos there were', async () => {
    const { operation } = await pruned()
    const part = await takeBack(operation, { queue: 'low' })
    const rest = await takeBack(operation)
    expect([part.affected, rest.affected]).toEqual([3, 3])
    expect(await recordOf(world, operation)).toMatchObject({
      state: 'undone',
      undone_by: rest.operation_id,
      undos: [part.operation_id, rest.operation_id],
    })
    const { body } = await world.call('GET', `${at.list}?kind=prune`)
    expect(body).toMatchObject([{ id: operation, undos: [part.operation_id, rest.operation_id] }])
    await expectIntact(world)
  })

  it('is bound to its filter, its preview and its key', async () => {
    const { operation, low } = await pruned()
    const { preview } = await dryRun(operation, { queue: 'low' })
    const token = { preview_token: preview?.token }
    for (const other of [{}, { queue: 'high' }, { ids: low }, { domain: 'chatbooks', queue: 'low' }]) {
      expect(codeOf(await world.confirm(at.undo(operation), { ...other, ...token }))).toBe('409 preview_stale')
    }
    expect(codeOf(await world.confirm(at.undo(operation), { queue: 'low', max: 2 }))).toBe('412 limit_exceeded')
    const key = { 'idempotency-key': 'a part' }
    const change = { queue: 'low', ...token }
    const once = await world.confirm(at.undo(operation), change, key)
    expect(once).toMatchObject({ status: 200, body: { affected: 3 } })
    expect((await world.confirm(at.undo(operation), change, key)).body).toEqual(once.body)
    expect(codeOf(await world.confirm(at.undo(operation), { queue: 'high' }, key))).toBe('409 conflict')
    expect(await queuesOf()).toEqual(['low', 'low', 'low'])
  })

  it('has the conflicts of its part alone', async () => {
    const [low = 0] = await world.jobs(2, { queue: 'low', status: 'quarantined' })
    const [high = 0, gone = 0] = await world.jobs(3, { queue: 'high', status: 'quarantined' })
    const { operation = 0 } = doneOf(await ask(world, requeue))
    await world.sql`update jobs set started_at = now() where id = any(${[low, high].map(String)}::text[]::bigint[])`
    await world.sql`delete from jobs where id = ${gone}::bigint`
    const reason = 'the job was picked up or changed since'
    const part = { affected: 1, conflict_count: 1, conflicts: [{ job_id: high, reason }] }
    expect(await dryRun(operation, { queue: 'high' })).toMatchObject(part)
    expect(await dryRun(operation, { ids: [gone] })).toMatchObject({
      affected: 0,
      conflicts: [{ job_id: gone, reason: 'the job is deleted' }],
    })
    expect(await takeBack(operation, { queue: 'high' })).toMatchObject(part)
    expect(await recordOf(world, operation)).toMatchObject({ state: 'done' })
    // What is left cannot be given back, so that nothing of the operation is left to undo.
    expect(await takeBack(operation, { queue: 'low' })).toMatchObject({ affected: 1, conflicts: [{ job_id: low }] })
    expect(await recordOf(world, operation)).toMatchObject({ state: 'undone' })
    await expectIntact(world)
  })

  it('is of the jobs as they are, and reaches what a sweep cancelled along in another domain', async () => {
    await world.jobs(1, { status: 'queued', uuid: 'first' })
    const [along] = await world.jobs(1, { status: 'queued', days: 0, uuid: 'second', domain: 'else' })
    await world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values ('second', 'first')`
    const { operation } = doneOf(await ask(world, cancelSweep))
    expect(await takeBack(operation, { domain: 'else' })).toMatchObject({ affected: 1, conflict_count: 0 })
    expect((await world.rows()).filter(({ status }) => status === 'queued').map(({ id }) => id)).toEqual([along])
  })

  it('of two archived jobs with one id gives back the one of its scope', async () => {
    const [id = 0] = await world.jobs(1, { queue: 'low' })
    const { operation = 0 } = doneOf(await ask(world, prune))
    await world.sql`
      insert into jobs_archive (id, uuid, domain, queue, job_type, status, operation_id, archived_at, completed_at)
      values (${id}::bigint, 'another', 'chatbooks', 'high', 'export', 'completed', ${operation}::bigint, now(), now())`
    expect(await takeBack(operation, { queue: 'high' })).toMatchObject({ affected: 1 })
    expect(await queuesOf()).toEqual(['high'])
  })

  it('waits for no other undo of the same operation', async () => {
    const { operation } = await pruned()
    await world.sql`
      insert into job_operations (kind, filters, as_of, seen, caller, request_hash)
      values ('undo', ${JSON.stringify({ operation, queue: 'low' })}::text::jsonb, now(), '5:5:', 'x', 'x')`
    const alive = setInterval(() => {
      void world.sql`update job_operations set touched_at = clock_timestamp() where state = 'running'`.catch(() => {})
    }, 100)
    expect(codeOf(await world.confirm(at.undo(operation), { queue: 'high' }))).toBe('409 conflict')
    expect(codeOf(await world.confirm(at.undo(operation), {}))).toBe('409 conflict')
    clearInterval(alive)
    expect(await world.count()).toBe(0)
  })

  it.each([
    { domain: '' },
    { domain: null },
    { queue: '  ' },
    { job_type: 7 },
    { ids: [] },
    { ids: null },
    { ids: 7 },
    { ids: ['7'] },
    { ids: [0] },
    { ids: [2 ** 53] },
    { status: 'failed' },
  ])('refuses %j, and gives nothing back', async (part) => {
    const { operation } = await pruned()
    expect((await world.confirm(at.undo(operation), part)).status).toBe(422)
    expect(await world.count()).toBe(0)
  })

  it('lists operations by caller and time', async () => {
    const { operation } = await pruned()
    await world.sql`update job_operations set started_at = '2020-01-01T00:00:00Z' where id = ${operation}::bigint`
    const { operation_id } = await takeBack(operation)
    const ids = async (query: string) => {
      const { status, body } = await world.call('GET', `${at.list}?${query}`)
      return status === 200
        ? z
            .array(z.object({ id: z.number() }))
            .parse(body)
            .map(({ id }) => id)
        : status
    }
    expect(await ids('since=2020-01-01T00:00:00Z')).toEqual([operation_id, operation])
    expect(await ids('since=2020-01-01T00:00:01Z')).toEqual([operation_id])
    expect(await ids('caller=single-user&kind=prune')).toEqual([operation])
    expect(await ids('caller=single')).toEqual([])
    expect(await ids('caller=&since=')).toEqual([operation_id, operation])
    for (const bad of ['since=2h', 'since=soon', 'caller=%00', `caller=${'x'.repeat(257)}`])
      expect(await ids(bad)).toBe(422)
  })

  it('has all its conflicts in pages, in the order of ids', async () => {
    const at = (id: number, query = '') => world.call('GET', `/api/v1/jobs/operations/${id}/conflicts${query}`)
    await world.jobs(10_001, { queue: 'low' })
    const high = await world.jobs(2, { queue: 'high' })
    const [first = 0] = high
    const { operation = 0 } = doneOf(await ask(world, prune))
    expect((await at(operation)).body).toMatchObject({ conflicts: [], next_after_id: first - 2 })
    for (const id of high) await world.jobs(1, { id, status: 'queued' })
    const conflicts = high.map((job_id) => ({ job_id, reason: 'its id is taken' }))
    const page = await at(operation, `?after_id=${first - 2}`)
    expect(page.body).toEqual({ conflicts, next_after_id: null })
    expect((await at(operation, `?after_id=${first}&queue=high`)).body).toMatchObject({ conflicts: conflicts.slice(1) })
    expect((await at(operation, `?after_id=${first - 2}&queue=low`)).body).toMatchObject({ conflicts: [] })
    expect((await at(operation, '?after_id=9007199254740991')).body).toEqual({ conflicts: [], next_after_id: null })
    expect((await at(4711)).status).toBe(404)
    expect((await at(operation, '?after_id=-1')).status).toBe(422)
    const { operation: requeued = 0 } = await quarantinedAndChanged()
    expect((await at(requeued)).body).toMatchObject({
      conflicts: [{ reason: 'the job was picked up or changed since' }],
      next_after_id: null,
    })
  })

  async function quarantinedAndChanged() {
    const [id = 0] = await world.jobs(2, { status: 'quarantined' })
    const done = doneOf(await ask(world, requeue))
    await world.sql`update jobs set started_at = now() where id = ${id}::bigint`
    return done
  }
})

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { undo } from '../../../shared/changes/undo.ts'
import {
  ask,
  at,
  cancelSweep,
  clearAll,
  codeOf,
  doneOf,
  expectIntact,
  failSweep,
  integrity,
  previewOf,
  prune,
  recordOf,
  requeue,
} from '../../support/changes/bulk-tools.ts'
import { everyKind } from '../../support/database/database.ts'
import type { JobRow } from '../../support/database/job-row.ts'
import { workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(everyKind)('an undo on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  const takeBack = async (id = 0, fields: object = {}) =>
    undo.output.parse((await world.confirm(at.undo(id), fields)).body)

  const previewed = async (id: number) => {
    const dry = await world.post(at.undo(id), { dry_run: true })
    const { affected, conflict_count, preview } = undo.output.parse(dry.body)
    return { affected, conflict_count, preview_token: preview?.token }
  }

  it('is of the jobs of its preview alone: what was no part of it does not join when the world makes room', async () => {
    const keyed = (n: number) => ({
      domain: 'chatbooks',
      queue: 'default',
      job_type: 'export',
      idempotency_key: `key${n}`,
    })
    const [first = 0] = await world.jobs(3)
    await world.sql`update jobs set idempotency_key = 'key' || (1 + id - ${first}::bigint)`
    const { operation = 0 } = doneOf(await ask(world, prune))
    const enqueue = (n: number) => world.sql`insert into jobs ${world.sql({ ...keyed(n), status: 'queued' })}`
    await enqueue(1)
    await enqueue(2)
    const { preview_token, ...counted } = await previewed(operation)
    expect(counted).toEqual({ affected: 1, conflict_count: 2 })
    await world.sql`delete from jobs where idempotency_key = 'key1'`
    await enqueue(3)
    expect(await world.confirm(at.undo(operation), { preview_token })).toMatchObject({
      body: { affected: 0, skipped: 1 },
    })
    expect(doneOf(await world.confirm(at.undo(operation), {})).affected).toBe(1)
    expect(await world.sql`select id from jobs where idempotency_key = 'key1'`).toEqual([{ id: first }])
  })

  it('leaves a job that anybody has written since its preview', async () => {
    const [written = 0] = await world.jobs(2, { status: 'quarantined' })
    const { operation = 0 } = doneOf(await ask(world, requeue))
    const { preview_token } = await previewed(operation)
    await world.sql`update jobs set payload = '{"mine": true}' where id = ${written}::bigint`
    expect(await world.confirm(at.undo(operation), { preview_token })).toMatchObject({
      body: { affected: 1, skipped: 1 },
    })
  })

  it('leaves a job that a worker took which tells by its start alone', async () => {
    const [taken = 0] = await world.jobs(2, { status: 'quarantined' })
    const { operation = 0 } = doneOf(await ask(world, requeue))
    await world.sql`update jobs set started_at = now() where id = ${taken}::bigint`
    expect(doneOf(await world.confirm(at.undo(operation), {})).affected).toBe(1)
  })

  it('leaves a pruned job whose id, uuid or idempotency key is taken, and brings the rest back', async () => {
    const key = { idempotency_key: 'order-1' }
    const [byId = 0] = await world.jobs(1)
    const [byUuid] = await world.jobs(1, { uuid: 'the-uuid' })
    const [byKey] = await world.jobs(1, key)
    const free = await world.jobs(3)
    const { operation } = doneOf(await ask(world, prune))
    await world.jobs(1, { id: byId, status: 'queued' })
    await world.jobs(1, { uuid: 'the-uuid', status: 'queued' })
    await world.jobs(1, { ...key, status: 'queued' })

    const preview = await undo.output.parse((await world.post(at.undo(operation ?? 0), { dry_run: true })).body)
    const done = await takeBack(operation)

    const conflicts = [
      { job_id: byId, reason: 'its id is taken' },
      { job_id: byUuid, reason: 'its uuid is taken' },
      { job_id: byKey, reason: 'its idempotency key was used again' },
    ]
    expect(preview).toMatchObject({ affected: 3, conflict_count: 3, conflicts })
    expect(done).toMatchObject({ affected: 3, conflict_count: 3, conflicts })
    const rows = await world.rows()
    expect(rows.filter(({ status }) => status === 'completed').map(({ id }) => id)).toEqual(free)
    // What stood in the way goes; the rest can follow.
    await world.sql`delete from jobs where status = 'queued'`
    expect(await takeBack(operation)).toMatchObject({ affected: 3, conflict_count: 0 })
    expect(await recordOf(world, operation)).toMatchObject({ state: 'undone', undone_by: done.operation_id })
    await expectIntact(world)
  })

  it('puts requeued jobs back in quarantine, but for those that a worker has had', async () => {
    await world.jobs(4, {
      ...requeue.wanted,
      retry_count: 2,
      completion_token: 'x',
      cancellation_reason: 'y',
      worker_id: 'w',
    })
    const before = await world.rows()
    const { operation } = doneOf(await ask(world, requeue))
    const worker = workerOf(world.post)
    const job = await worker.take()
    await worker.release(await worker.take())

    const done = await takeBack(operation)

    expect(done).toMatchObject({ affected: 2, conflict_count: 2 })
    const reasons = done.conflicts.map(({ reason }) => reason).sort()
    expect(reasons).toEqual(['the job has gone on, and is processing', 'the job was picked up or changed since'])
    expect((await world.rows()).map(({ status }) => status).sort()).toEqual([
      'processing',
      'quarantined',
      'quarantined',
      'queued',
    ])
    const back = (await world.rows()).filter(({ status }) => status === 'quarantined').map(still)
    expect(before.map(still)).toEqual(expect.arrayContaining(back))
    await worker.complete(job)
  })

  it.each([cancelSweep, failSweep])(
    'puts what a $name has ended back in the queue, with what went along; what ran is lost',
    async (change) => {
      const [queued] = await world.jobs(1, { status: 'queued', uuid: 'first' })
      const [running] = await world.jobs(1, { status: 'processing', uuid: 'runs' })
      const [along] = await world.jobs(1, { status: 'queued', days: 0, uuid: 'second', domain: 'else' })
      await world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values ('second', 'first')`
      const { operation } = doneOf(await ask(world, change))
      expect((await world.rows()).map(({ status }) => status)).not.toContain('queued')

      expect(await takeBack(operation)).toMatchObject({
        affected: 2,
        conflicts: [{ job_id: running, reason: expect.stringContaining('lost its worker') }],
      })
      const rows = await world.rows()
      expect(rows.filter(({ status }) => status === 'queued').map(({ id }) => id)).toEqual([queued, along])
      expect(rows.find(({ id }) => id === along)).toMatchObject({ cancelled_at: null, cancellation_reason: null })
    },
  )

  it('is refused for an undo, a repair, one that runs, and one that never was', async () => {
    await world.jobs(1, integrity.wanted)
    await world.jobs(1)
    const repair = doneOf(await ask(world, integrity)).operation
    const { operation } = doneOf(await ask(world, prune))
    const { operation_id } = await takeBack(operation)
    const [running] = await world.sql<[{ id: number }]>`
      insert into job_operations (kind, filters, as_of, seen, caller, request_hash)
      values ('prune', '{}', now(), '5:5:', 'x', 'x') returning id`
    const before = await world.fingerprint()

    for (const id of [repair, operation_id, running.id])
      expect(codeOf(await world.confirm(at.undo(id ?? 0), {}))).toBe('409 conflict')
    expect(codeOf(await world.confirm(at.undo(4711), {}))).toBe('404 not_found')
    expect(codeOf(await world.post(at.undo(operation ?? 0), {}))).toBe('400 confirmation_required')
    expect(codeOf(await world.confirm(at.undo(operation ?? 0), { id: 1 }))).toBe('422 invalid_request')
    expect(await world.fingerprint()).toBe(before)
  })

  it('of two at once, one brings back each job, and a preview bounds it', async () => {
    await world.jobs(20)
    const { operation = 0 } = doneOf(await ask(world, prune))
    const change = { ...prune, path: at.undo(operation), body: {}, preview: { dry_run: true } }
    const { token: preview_token } = await previewOf(world, change)
    expect(codeOf(await ask(world, change, { max: 19 }))).toBe('412 limit_exceeded')

    const answers = await Promise.all([ask(world, change, { preview_token }), ask(world, change), ask(world, change)])

    const good = answers.filter(({ status }) => status === 200).map(doneOf)
    expect(good.reduce((sum, { affected }) => sum + affected, 0)).toBe(20)
    expect(answers.map(codeOf).filter((code) => !/^200|409 conflict/.test(code))).toEqual([])
    expect(await world.count()).toBe(20)
    await expectIntact(world)
  })
})

const still = ({ updated_at, ...rest }: JobRow) => rest

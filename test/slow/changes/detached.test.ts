import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { rotatePreviewKey } from '../../../server/bulk/token/rotate-key.ts'
import {
  ask,
  changes,
  clearAll,
  codeOf,
  expectIntact,
  previewOf,
  prune,
  recordOf,
  retry,
} from '../../support/changes/bulk-tools.ts'
import { acceptedOf, detached, endOf, resultOf, withoutCaller } from '../../support/changes/detached.ts'
import { kinds } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import { openWorld, type World } from '../../support/world.ts'

const slow = { rate: 4 }

describe.each(kinds)('a change that goes on without its caller on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  const kept = async () => [...(await world.sql<{ request: string }[]>`select request from jobsctl_detached`)]

  it.each(changes)('$name: is answered with its operation, and does what it does with a caller', async (change) => {
    await world.jobs(5, change.wanted)
    const { token } = await previewOf(world, change)
    const answer = await detached(world, change, { preview_token: token }, { 'x-reason': 'by night' })
    const { operation_id: id, ...accepted } = acceptedOf(answer)
    expect(accepted).toMatchObject({ kind: change.kind, state: 'running', previewed: 5 })
    expect(answer.headers.location).toBe(`/api/v1/jobs/operations/${id}`)
    expect(await endOf(world, id)).toMatchObject({ kind: change.kind, state: 'done', affected: 5, reason: 'by night' })
    expect(JSON.stringify(await resultOf(world, id))).toContain(`"operation_id":${id}`)
    expect(await kept()).toEqual([])
    await expectIntact(world)
    expect(codeOf(await detached(world, change, { preview_token: token }))).toBe('409 preview_stale')
  })

  it('is refused before anything begins, as with a caller', async () => {
    await world.jobs(5)
    const before = await world.fingerprint()
    const { token } = await previewOf(world, prune)
    const other = { queue: 'another', preview_token: token }
    expect((await world.post(prune.path, prune.body, withoutCaller)).status).toBe(400)
    expect(codeOf(await detached(world, prune, other))).toBe('409 preview_stale')
    expect(codeOf(await detached(world, prune, { max: 4 }))).toBe('412 limit_exceeded')
    expect(codeOf(await detached(world, prune, { nonsense: 1 }))).toBe('422 invalid_request')
    expect(await detached(world, prune, { dry_run: true })).toMatchObject({ status: 200, body: { deleted: 5 } })
    expect(await world.fingerprint()).toBe(before)
    expect(await world.sql`select id from job_operations`).toEqual([])
    expect(await kept()).toEqual([])
  })

  it('is on record also where no job matches', async () => {
    const { operation_id: id } = acceptedOf(await detached(world, prune))
    expect(await endOf(world, id)).toMatchObject({ state: 'done', affected: 0 })
    expect(await resultOf(world, id)).toMatchObject({ result: { deleted: 0, operation_id: id } })
  })

  it('is the same operation to every request with its key, and its answer to one that waits', async () => {
    await world.jobs(16, retry.wanted)
    const key = { 'idempotency-key': randomUUID() }
    const first = acceptedOf(await detached(world, retry, slow, key))
    expect(acceptedOf(await detached(world, retry, slow, key))).toEqual(first)
    expect(codeOf(await ask(world, retry, slow, key))).toBe('409 conflict')
    expect(codeOf(await detached(world, retry, {}, key))).toBe('409 conflict')
    await endOf(world, first.operation_id)
    expect(acceptedOf(await detached(world, retry, slow, key))).toEqual({ ...first, state: 'done' })
    const waiting = await ask(world, retry, slow, key)
    expect(waiting).toMatchObject({ status: 200, body: { affected: 16, operation_id: first.operation_id } })
  })

  it('keeps other changes of its kind out of its scope, and is stopped from any server', async () => {
    await world.jobs(400, retry.wanted)
    const { operation_id: id } = acceptedOf(await detached(world, retry, slow))
    await until('a job was changed', async () => (await recordOf(world, id)).affected > 0)
    expect(await kept()).toHaveLength(1)
    expect(codeOf(await ask(world, retry))).toBe('409 conflict')
    expect((await world.post(`/api/v1/jobs/operations/${id}/stop`, {})).status).toBe(200)
    expect(await endOf(world, id)).toMatchObject({ state: 'partial', error: 'single-user stopped it' })
    expect(await resultOf(world, id)).toMatchObject({ error: { code: 'partial' } })
    expect(await kept()).toEqual([])
    expect((await ask(world, retry)).status).toBe(200)
  })

  it('is undone as any other change, also by an undo that goes on without its caller', async () => {
    await world.jobs(7)
    const before = await world.rows()
    const { operation_id: id } = acceptedOf(await detached(world, prune))
    await endOf(world, id)
    expect(await world.count()).toBe(0)
    const undo = { path: `/api/v1/jobs/operations/${id}/undo`, body: {} }
    const { operation_id: back } = acceptedOf(await detached(world, undo))
    expect(await endOf(world, back)).toMatchObject({ state: 'done', affected: 7 })
    expect(await recordOf(world, id)).toMatchObject({ state: 'undone', undone_by: back })
    expect(await world.rows()).toEqual(before)
    await expectIntact(world)
  })

  it('is an undo that goes on after it has given back everything, and its operation is undone', async () => {
    await world.jobs(7)
    const { operation_id: id } = acceptedOf(await detached(world, prune))
    await endOf(world, id)
    await world.sql.unsafe(`
      create function open_it() returns trigger language plpgsql as $$ begin raise exception 'this record stays open'; end $$;
      create trigger open_it before update on job_operations for each row
        when (new.kind = 'undo' and new.state <> 'running') execute function open_it()`)
    const undo = { path: `/api/v1/jobs/operations/${id}/undo`, body: {} }
    const { operation_id: back } = acceptedOf(await detached(world, undo))
    const givenBack = async () =>
      [...(await world.sql`select from jobsctl_detached where problem is not null`)].length > 0
    await until('it is left to another server', givenBack)
    expect(await recordOf(world, back)).toMatchObject({ state: 'running', affected: 7 })
    expect(codeOf(await world.post(undo.path, { dry_run: true }))).toBe('200 ')
    await world.sql.unsafe('drop function open_it cascade')
    expect(await endOf(world, back)).toMatchObject({ state: 'done', affected: 7, error: null })
    expect(await recordOf(world, id)).toMatchObject({ state: 'undone', undone_by: back })
    await expectIntact(world)
  })

  it('goes on at another server also where the key of its preview was rotated away since', async () => {
    await world.jobs(16, retry.wanted)
    const { token } = await previewOf(world, retry)
    const { operation_id: id } = acceptedOf(await detached(world, retry, { ...slow, preview_token: token }))
    await until('a job was changed', async () => (await recordOf(world, id)).affected > 0)
    await world.sql.begin((tx) => rotatePreviewKey(tx, { atOnce: true }))
    await world.sql`update jobsctl_detached set hold = null`
    expect(await endOf(world, id)).toMatchObject({ state: 'done', affected: 16 })
    await expectIntact(world)
  })

  it.each([
    { rotated: 'once, has a token for the others', atOnce: false },
    { rotated: 'away, has none', atOnce: true },
  ])('with first jobs, whose key was rotated $rotated', async ({ atOnce }) => {
    await world.jobs(20, retry.wanted)
    const { token } = await previewOf(world, retry)
    const first = { ...slow, limit: 12, preview_token: token }
    const { operation_id: id } = acceptedOf(await detached(world, retry, first))
    await until('a job was changed', async () => (await recordOf(world, id)).affected > 0)
    await world.sql.begin((tx) => rotatePreviewKey(tx, { atOnce }))
    await world.sql`update jobsctl_detached set hold = null`
    expect(await endOf(world, id)).toMatchObject({ state: 'done', affected: 12 })
    const result = JSON.stringify(await resultOf(world, id))
    expect(result).toContain('"job_ids":')
    expect(result.includes('"rest_token":')).toBe(!atOnce)
  })

  it('ends as partial with the reason where no server can go on with it', async () => {
    await world.jobs(400, retry.wanted)
    const { operation_id: id } = acceptedOf(await detached(world, retry, slow))
    await world.sql`update jobsctl_detached set hold = null, request = '{"path": "/of/tomorrow"}'`
    expect(await endOf(world, id)).toMatchObject({ error: expect.stringContaining('no server can go on') })
    expect(await kept()).toEqual([])
  })
})

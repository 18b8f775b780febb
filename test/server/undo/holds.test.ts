import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { deleteEndedHolds } from '../../../server/background/ended-holds.ts'
import { deleteExpiredArchive } from '../../../server/undo/archive/archive-retention.ts'
import { Hold } from '../../../shared/records/holds.ts'
import {
  ask,
  at,
  cancelSweep,
  clearAll,
  codeOf,
  doneOf,
  holding,
  otherProgram,
  previewOf,
  prune,
  requeue,
} from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import { openWorld, type World } from '../../support/world.ts'

const path = '/api/v1/jobs/holds'
const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()
const second0 = '2026-01-01T00:00:00.000Z'
const going = new AbortController().signal
const retention = { days: 7, stopping: going }

/** Adds a hold, for ten days unless the fields say otherwise. */
async function hold(world: World, fields: object, headers = {}): Promise<Hold> {
  const { status, body } = await world.post(path, { until: inDays(10), ...fields }, headers)
  expect({ status, body }).toMatchObject({ status: 201 })
  return Hold.parse(body)
}

const listed = async (world: World) => z.array(Hold).parse((await world.call('GET', path)).body)
const remove = (world: World, id: number) => world.post(`${path}/${id}/remove`, {})

describe.each(kinds)('holds on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind, { JOBS_ARCHIVE_DAYS: '7' })
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  const pruned = async (fields = {}) => doneOf(await ask(world, prune, fields))
  const owners = async () => (await world.rows()).map(({ owner_user_id }) => owner_user_id)

  it('by filter are over jobs that come later, until they are removed, and each of both is an event', async () => {
    const added = await hold(world, { owner_user_id: 'alice' }, { 'x-reason': 'case 7' })
    await world.jobs(2, { owner_user_id: 'alice' })
    await world.jobs(3, { owner_user_id: 'bob' })
    await world.jobs(1)
    const { count, kept_by_hold, groups, owners: most } = await previewOf(world, prune)
    expect({ count, kept_by_hold, groups: groups.map(({ count }) => count) }).toEqual({
      ...{ count: 4, kept_by_hold: 2, groups: [4] },
    })
    expect(most.map(({ owner_user_id }) => owner_user_id)).toEqual(['bob', null])
    expect((await pruned({ max: 4 })).affected).toBe(4)
    expect(await owners()).toEqual(['alice', 'alice'])
    expect(await listed(world)).toEqual([added])
    expect(added).toMatchObject({
      filter: { owner_user_id: 'alice' },
      reason: 'case 7',
      caller: 'single-user',
      jobs: null,
    })
    expect(await remove(world, added.id)).toMatchObject({ status: 200, body: added })
    expect(codeOf(await remove(world, added.id))).toBe('404 not_found')
    expect(await listed(world)).toEqual([])
    expect((await pruned()).affected).toBe(2)
    const events = await world.sql`
      select event_type, attrs_json from job_events where event_type like 'hold.%' order by id`
    const attrs = { hold: added.id, filter: { owner_user_id: 'alice' }, until: added.until, caller: 'single-user' }
    expect(events).toMatchObject([
      { event_type: 'hold.added', attrs_json: { ...attrs, reason: 'case 7' } },
      { event_type: 'hold.removed', attrs_json: attrs },
    ])
  })

  it('keep jobs from a sweep, by ids and by the state that they are in', async () => {
    const [first = 0] = await world.jobs(2, { status: 'queued' })
    await world.jobs(1, { status: 'processing' })
    expect(await hold(world, { ids: [first, first] })).toMatchObject({ jobs: 1, filter: null })
    expect(await previewOf(world, cancelSweep)).toMatchObject({ count: 2, kept_by_hold: 1 })
    await hold(world, { status: ['processing'] })
    expect(await previewOf(world, cancelSweep)).toMatchObject({ count: 1, kept_by_hold: 2 })
    expect(doneOf(await ask(world, cancelSweep)).affected).toBe(1)
    expect((await world.rows()).map(({ status }) => status)).toEqual(['queued', 'cancelled', 'processing'])
  })

  it('are over ids that a job has, here or in the archive: a mistyped one is told', async () => {
    const [first = 0, second = 0] = await world.jobs(2)
    doneOf(await ask(world, prune, { ids: [first] }))
    expect(await hold(world, { ids: [first, second] })).toMatchObject({ jobs: 2 })
    const ids = [3, 1, 0, 1, 4, 2].map((more) => second + more)
    const refused = await world.post(path, { until: inDays(10), ids })
    expect(codeOf(refused)).toBe('404 not_found')
    expect(Object(refused.body).detail).toBe(
      `no job has the id ${second + 1}, ${second + 2}, ${second + 3} and others, and none in the archive; nothing was changed`,
    )
    expect(await listed(world)).toHaveLength(1)
  })

  it('that are added after a preview keep jobs of it', async () => {
    const [first = 0] = await world.jobs(3)
    const { token } = await previewOf(world, prune)
    await hold(world, { ids: [first] })
    expect(await pruned({ preview_token: token })).toMatchObject({ affected: 2, skipped: 1 })
    expect(await world.count()).toBe(1)
  })

  it('of a later version are over more jobs here, and never over fewer', async () => {
    await world.jobs(2, { owner_user_id: 'alice' })
    const kept = async (filter: object) => {
      const [{ id }] = await world.sql<[{ id: number }]>`
        insert into jobsctl_holds (filter, until, caller)
        values (${JSON.stringify(filter)}::text::jsonb, now() + interval '1 hour', 'later') returning id`
      const { count, kept_by_hold } = await previewOf(world, prune)
      await remove(world, id)
      return { count, kept_by_hold }
    }
    const all = { count: 0, kept_by_hold: 2 }
    const none = { count: 2, kept_by_hold: 0 }
    const part = { path: ['a'], value: 'b' }
    expect(await kept({ owner_user_id: 'alice', tenant: 'x' })).toEqual(all)
    expect(await kept({ owner_user_id: 'alice', status: ['completed', 'archived'] })).toEqual(all)
    expect(await kept({ owner_user_id: 'alice', payload: [part] })).toEqual(none)
    expect(await kept({ owner_user_id: 'alice', payload: [{ ...part, not: true }] })).toEqual(all)
    expect(await kept({ min_retries: 'many' })).toEqual(all)
    expect(await kept({ owner_user_id: 'bob', tenant: 'x' })).toEqual(none)
    // Over all failures, of which these jobs are none.
    expect(await kept({ cluster: 'v9-0123456789ab' })).toEqual(none)
  })

  it('as many as there may be, of as many fields, are counted in one preview', async () => {
    const [first = 0, second = 0] = await world.jobs(3, { owner_user_id: 'alice' })
    const words = { job_type: 'x', batch_group: 'x', worker_id: 'x', error_code: 'x', error: 'x' }
    const times = { created_after: second0, created_before: second0, ended_after: second0, ended_before: second0 }
    const payload = [1, 2, 3, 4, 5].map((n) => ({ path: ['a', String(n)], value: 'x' }))
    const fields = {
      domain: 'x',
      queue: 'x',
      owner_user_id: 'x',
      status: ['failed'],
      min_retries: 1,
      stale: true,
      payload,
    }
    const wide = { ...words, ...times, ...fields, cluster: 'v2-0123456789ab' }
    await world.sql`
      insert into jobsctl_holds (filter, until, caller)
      select ${JSON.stringify(wide)}::text::jsonb, now() + interval '1 day', 'c' from generate_series(1, 98)`
    await hold(world, { owner_user_id: 'alice', job_type: 'export' })
    await hold(world, { ids: [first, second] })
    const details = { ...prune, preview: { ...prune.preview, detail_top_k: 3, include_kept: true } }
    expect(await previewOf(world, details)).toMatchObject({ count: 0, kept_by_hold: 3 })
    expect((await pruned()).affected).toBe(0)
  })

  it('end by their time, and maintenance takes them away', async () => {
    const ids = await world.jobs(2)
    const [one, other] = [await hold(world, { ids }), await hold(world, { domain: 'elsewhere' })]
    expect(await previewOf(world, prune)).toMatchObject({ count: 0, kept_by_hold: 2 })
    await world.sql`update jobsctl_holds set until = now() - interval '1 second' where id = ${one.id}::bigint`
    expect(await previewOf(world, prune)).toMatchObject({ count: 2, kept_by_hold: 0 })
    expect(await listed(world)).toMatchObject([{ id: other.id }])
    expect(codeOf(await remove(world, one.id))).toBe('404 not_found')
    const left = async () => (await world.sql<{ id: number }[]>`select id from jobsctl_holds`).map(({ id }) => id)
    await deleteEndedHolds(world.sql, going)
    // The maintenance of the server may have locked the rows meanwhile.
    await expect.poll(left).toEqual([other.id])
    expect(await world.sql`select from jobsctl_held_jobs`).toHaveLength(0)
  })

  it('a second night: what an undo gave back of a prune is still there after the same prune', async () => {
    const [night, other] = [{ domain: undefined, older_than_days: 30 }, { domain: 'other' }]
    await world.jobs(3)
    await world.jobs(2, other)
    const { operation = 0 } = await pruned(night)
    await world.jobs(2, { status: 'queued' })
    await world.jobs(1, { ...other, days: 31 })
    const undone = (await world.confirm(at.undo(operation), { domain: 'chatbooks' })).body
    const { hold_id, held_until } = z.object({ hold_id: z.number(), held_until: z.string() }).parse(undone)
    expect(Date.parse(held_until)).toBeGreaterThan(Date.parse(inDays(6.9)))
    expect(Date.parse(held_until)).toBeLessThan(Date.parse(inDays(7.1)))
    await world.jobs(1, { days: 31 })
    expect(await previewOf(world, { ...prune, preview: { dry_run: true } })).toMatchObject({
      count: 2,
      kept_by_hold: 3,
    })
    expect((await pruned(night)).affected).toBe(2)
    expect((await world.rows()).filter(({ status }) => status === 'completed')).toHaveLength(3)
    expect(await listed(world)).toMatchObject([{ id: hold_id, undo_id: operation + 1, jobs: 3, filter: null }])
    await remove(world, hold_id)
    expect((await pruned(night)).affected).toBe(3)
  })

  it('an undo holds for as long as it is asked to, also what it gives back of rows', async () => {
    await world.jobs(2, { status: 'quarantined' })
    const { operation = 0 } = doneOf(await ask(world, requeue))
    const quarantined = { statuses: ['quarantined'] }
    for (const hold_until of ['2020-01-01T00:00:00Z', inDays(3660), '30d', null])
      expect(codeOf(await world.confirm(at.undo(operation), { hold_until }))).toBe('422 invalid_request')
    const until = inDays(30)
    const { body } = await world.confirm(at.undo(operation), { hold_until: until })
    expect(Date.parse(z.object({ held_until: z.string() }).parse(body).held_until)).toBe(Date.parse(until))
    expect((await pruned(quarantined)).affected).toBe(0)
    await world.sql`update jobsctl_holds set until = now()`
    expect((await pruned(quarantined)).affected).toBe(2)
  })

  /** Makes everything that was archived older than its term. */
  const age = async () => {
    await world.sql`update jobs_archive set archived_at = archived_at - interval '100 days'`
    await world.sql`update job_operations set ended_at = ended_at - interval '100 days'`
  }
  const archived = async () =>
    (await world.sql<{ owner: string }[]>`select owner_user_id as owner from jobs_archive order by id`).map(
      ({ owner }) => owner,
    )

  it('keep archived jobs after their term: by filter, by id and by operation, and no others', async () => {
    const [, second = 0] = await world.jobs(3, { owner_user_id: 'bob' })
    await world.jobs(2, { owner_user_id: 'alice' })
    await pruned()
    await world.jobs(1, { owner_user_id: 'carol' })
    const { operation = 0 } = await pruned()
    const holds = [await hold(world, { owner_user_id: 'alice' }), await hold(world, { ids: [second] })]
    const last = await hold(world, { operation_id: operation, until: inDays(20) })
    await age()
    await deleteExpiredArchive(world.sql, retention)
    await expect.poll(archived).toEqual(['bob', 'alice', 'alice', 'carol'])
    for (const { id } of holds) await remove(world, id)
    await deleteExpiredArchive(world.sql, retention)
    await expect.poll(archived).toEqual(['carol'])
    const undone = (await world.confirm(at.undo(operation), { hold_until: inDays(1) })).body
    expect(undone).toMatchObject({ affected: 1, held_until: last.until })
    await remove(world, last.id)
    expect((await pruned()).affected).toBe(0)
  })

  it('keep the row images of an operation and its jobs, and those of held jobs', async () => {
    const [first = 0] = await world.jobs(2, { status: 'quarantined' })
    const { operation = 0 } = doneOf(await ask(world, requeue))
    const images = async () => (await world.sql`select job_id from job_operation_rows`).map(({ job_id }) => job_id)
    await world.sql`update jobs set status = 'completed', completed_at = now() - interval '60 days'`
    const held = await hold(world, { operation_id: operation })
    expect(await previewOf(world, prune)).toMatchObject({ count: 0, kept_by_hold: 2 })
    await age()
    await deleteExpiredArchive(world.sql, retention)
    expect(await images()).toHaveLength(2)
    await hold(world, { ids: [first] })
    await remove(world, held.id)
    expect(await previewOf(world, prune)).toMatchObject({ count: 1, kept_by_hold: 1 })
    await deleteExpiredArchive(world.sql, retention)
    await expect.poll(images).toEqual([first])
  })

  it('are refused where they would be over everything by mistake, over nothing, too long, or too many', async () => {
    const [id = 0] = await world.jobs(1)
    const { operation = 0 } = await pruned()
    const odd = [
      ...[{}, { all: false }, { domain: '' }, { owner_user_id: '' }, { owner_user_id: null }, { ids: [] }],
      ...[
        { ids: [id], all: true },
        { ids: [id], domain: 'd' },
        { operation_id: operation, domain: 'd' },
      ],
      ...[{ operation_id: null }, { operation_id: '1' }, { domain: 'd', more: 1 }, { domain: 'd', dry_run: true }],
    ]
    for (const fields of odd)
      expect(codeOf(await world.post(path, { until: inDays(1), ...fields })), JSON.stringify(fields)).toBe(
        '422 invalid_request',
      )
    for (const until of ['2020-01-01T00:00:00Z', inDays(3651), '30d', null, undefined])
      expect(codeOf(await world.post(path, { domain: 'd', until })), String(until)).toBe('422 invalid_request')
    expect(codeOf(await world.post(path, { operation_id: 4711, until: inDays(1) }))).toBe('404 not_found')
    expect(codeOf(await world.post(path, { cluster: 'v9-0123456789ab', until: inDays(1) }))).toBe('409 conflict')
    expect(await listed(world)).toEqual([])
    await world.sql`delete from jobs_archive`
    expect(codeOf(await world.post(path, { operation_id: operation, until: inDays(1) }))).toBe('409 conflict')
    await world.sql`
      insert into jobsctl_holds (filter, until, caller)
      select '{"domain": "d"}', now() + interval '1 day', 'c' from generate_series(1, 99)`
    expect(await hold(world, { domain: 'd' })).toMatchObject({ filter: { domain: 'd' } })
    expect(codeOf(await world.post(path, { domain: 'd', until: inDays(1) }))).toBe('409 conflict')
    const { headers } = await world.call('GET', `${path}?limit=7`)
    expect(headers.link).toMatch(/before_id=\d+&limit=7>; rel="next"/)
  })
})

describe('a hold beside a batch', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres', { JOBS_LOCK_TIMEOUT_SECONDS: '60' })
  })
  afterAll(() => world?.stop())

  it('is added when the batch that began before it has ended', async () => {
    const [{ id }] = await world.sql<[{ id: number }]>`
      insert into job_operations (kind, filters, as_of, seen, caller, request_hash)
      values ('prune', '{}', now(), '5:5:', 'x', 'x') returning id`
    const other = otherProgram(world)
    const release = await holding(other, (tx) => tx`select from job_operations where id = ${id} for update`)
    let isAnswered = false
    const adding = hold(world, { all: true }).then(() => {
      isAnswered = true
    })
    await until('the hold is stored', async () => (await world.sql`select from jobsctl_holds`).length === 1)
    await world.jobs(1)
    expect((await previewOf(world, prune)).count).toBe(0)
    expect(isAnswered).toBe(false)
    await release()
    await adding
    await other.end()
    await clearAll(world)
  })

  it('is seen by a batch that has waited for its record meanwhile', async () => {
    await world.jobs(3)
    const pruning = ask(world, prune, { rate: 1 })
    const id = await until('the first batch is over', async () => {
      const [row] = await world.sql<{ id: number }[]>`
        select id from job_operations where state = 'running' and affected = 1`
      return row?.id
    })
    const other = otherProgram(world)
    const release = await holding(other, (tx) => tx`select from job_operations where id = ${id} for update`)
    await until('the second batch waits with its look for a request to stop', async () => {
      const waiting = await world.sql`
        select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query ~ 'jobsctl_stops'`
      return waiting.length > 0
    })
    await world.sql`insert into jobsctl_holds (filter, until, caller) values ('{}', now() + interval '1 day', 'c')`
    await release()
    expect(doneOf(await pruning)).toMatchObject({ affected: 1, skippedLocked: 0 })
    expect(await world.count()).toBe(2)
    await other.end()
  })
})

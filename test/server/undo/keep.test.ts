import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { deleteExpiredArchive } from '../../../server/undo/archive/archive-retention.ts'
import { ask, at, clearAll, codeOf, doneOf, integrity, prune, requeue } from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, type World } from '../../support/world.ts'

const path = (id: number) => `${at.get(id)}/keep`
const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()
const Kept = z.object({ id: z.number(), kept_until: z.string() })
const retention = { days: 7, stopping: new AbortController().signal }

describe.each(kinds)('an operation that is kept longer on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind, { JOBS_ARCHIVE_DAYS: '7' })
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await clearAll(world)
    await world.sql`truncate jobsctl_operation_terms`
  })

  const keep = (id: number, until: unknown, headers = {}) => world.post(path(id), { until }, headers)
  /** A record that could not be closed with its answer is closed a moment later, and keeps other changes out of its scope until then. */
  const allEnded = () =>
    expect.poll(() => world.sql`select from job_operations where state = 'running'`).toHaveLength(0)
  const pruned = async () => {
    await allEnded()
    await world.jobs(2)
    return doneOf(await ask(world, prune)).operation ?? 0
  }

  it.each([prune, requeue])('can be undone after its term: a $name', async (change) => {
    await world.jobs(2, change.wanted)
    const { operation = 0 } = doneOf(await ask(world, change))
    const { id, kept_until } = Kept.parse((await keep(operation, inDays(20))).body)
    expect(id).toBe(operation)
    expect(Date.parse(kept_until)).toBeGreaterThanOrEqual(Date.parse(inDays(20)) - 60_000)
    expect(Date.parse(kept_until)).toBeLessThan(Date.parse(inDays(21.1)))
    await world.sql`update jobs_archive set archived_at = archived_at - interval '19 days'`
    await world.sql`update job_operations set ended_at = ended_at - interval '19 days'`
    await deleteExpiredArchive(world.sql, retention)
    await allEnded()
    expect(doneOf(await world.confirm(at.undo(operation), {})).affected).toBe(2)
  })

  /** Sweeps the archive, and waits for what the server, which sweeps as well, has locked meanwhile. */
  const expectSwept = async (left: number) => {
    await deleteExpiredArchive(world.sql, retention)
    const archived = async () => (await world.sql`select from jobs_archive`).length
    await expect.poll(archived).toBe(left)
  }

  it('has its term back when the time is over, and is the only one', async () => {
    const [kept, other] = [await pruned(), await pruned()]
    expect(await keep(kept, inDays(10))).toMatchObject({ status: 200 })
    await world.sql`update jobs_archive set archived_at = archived_at - interval '8 days'`
    await expectSwept(2)
    expect(codeOf(await world.confirm(at.undo(other), {}))).toBe('409 conflict')
    await world.sql`update jobs_archive set archived_at = archived_at - interval '4 days'`
    await expectSwept(0)
    expect(codeOf(await keep(kept, inDays(10)))).toBe('409 conflict')
  })

  it('is never kept shorter, also one of an earlier version, and each time is an event', async () => {
    const operation = await pruned()
    await world.sql`delete from jobsctl_operation_terms`
    const soon = Kept.parse((await keep(operation, inDays(1))).body)
    expect(Date.parse(soon.kept_until)).toBeGreaterThan(Date.parse(inDays(6.9)))
    const late = Kept.parse((await keep(operation, inDays(30), { 'x-reason': 'the audit' })).body)
    expect((await keep(operation, inDays(2))).body).toEqual(late)
    const listed = await world.call('GET', '/api/v1/jobs/archive/list')
    expect(listed.body).toMatchObject([
      { operation_id: operation, kept_until: expect.stringContaining(late.kept_until.slice(0, 10)) },
    ])
    const events = await world.sql<{ domain: string; attrs_json: object }[]>`
      select domain, attrs_json from job_events where event_type = 'operation.kept' order by id`
    expect(events).toHaveLength(3)
    expect(events[1]).toEqual({
      domain: 'chatbooks',
      attrs_json: { operation, kept_until: late.kept_until, caller: 'single-user', reason: 'the audit' },
    })
  })

  it('is refused for what runs, keeps nothing or never was, and for times that make no sense', async () => {
    const operation = await pruned()
    await world.jobs(1, integrity.wanted)
    const repair = doneOf(await ask(world, integrity)).operation ?? 0
    const [running] = await world.sql<[{ id: number }]>`
      insert into job_operations (kind, filters, as_of, seen, caller, request_hash)
      values ('prune', '{}', now(), '5:5:', 'x', 'x') returning id`
    for (const id of [repair, running.id]) expect(codeOf(await keep(id, inDays(20)))).toBe('409 conflict')
    expect(codeOf(await keep(4711, inDays(20)))).toBe('404 not_found')
    const odd = ['2020-01-01T00:00:00Z', '9999-12-31T00:00:00Z', '0001-01-01T00:00:00Z', inDays(3652), '30d', 7, null]
    for (const until of odd) expect(codeOf(await keep(operation, until)), String(until)).toBe('422 invalid_request')
    expect((await world.post(path(operation), { until: inDays(20), more: 1 })).status).toBe(422)
    expect((await world.post('/api/v1/jobs/operations/x/keep', { until: inDays(20) })).status).toBe(422)
    const terms =
      await world.sql`select archive_days from jobsctl_operation_terms where operation_id = ${operation}::bigint`
    expect(terms).toEqual([{ archive_days: 7 }])
    await world.sql`update jobs_archive set archived_at = '-infinity'`
    expect((await keep(operation, inDays(20))).status).toBe(200)
    await world.sql`update jobs_archive set archived_at = null`
    expect((await keep(operation, inDays(20))).status).toBe(200)
  })
})

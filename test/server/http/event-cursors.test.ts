import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { deleteExpiredEvents, firstPosition } from '../../../server/lifecycle/events/event-retention.ts'
import type { Role } from '../../../shared/access/rights.ts'
import { EventCursor } from '../../../shared/records/event-cursors.ts'
import { bearer, makeToken } from '../../support/access/tokens.ts'
import { clearAll, codeOf } from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import { jobPaths } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

const path = '/api/v1/jobs/events/cursors'

describe.each(kinds)('cursors in the event log on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
    // The server deletes nothing by itself.
    await world.sql`delete from jobsctl_settings where name in ('events_days', 'audit_days')`
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await clearAll(world)
    await world.sql`delete from jobsctl_expired_events`
  })

  const move = (name: string, after_id: unknown, headers = {}) => world.post(`${path}/${name}`, { after_id }, headers)
  const moved = async (name: string, after_id: number) => EventCursor.parse((await move(name, after_id)).body).after_id
  const listed = async () => z.array(EventCursor).parse((await world.call('GET', path)).body)
  /** Events of these ages in days, with ids from 1 on. */
  const log = (ages: readonly number[]) => world.sql`
    insert into job_events (job_id, domain, queue, job_type, event_type, created_at)
    select 7, 'd', 'q', 't', 'some.event', now() - age::float8 * interval '24 hours'
    from unnest(${ages.map(String)}::text[]) with ordinality as given (age, nth)
    order by nth`
  const ids = async () => (await world.sql<{ id: number }[]>`select id from job_events order by id`).map(({ id }) => id)

  it('are registered, move forward only, say what comes next, and are forgotten', async () => {
    await log([3, 2, 1])
    expect(await moved('billing', 1)).toBe(1)
    expect(await moved('billing', 3)).toBe(3)
    expect(await moved('billing', 2)).toBe(3)
    await moved('audit:copy', 0)
    const [first, second] = await listed()
    expect([first, second]).toMatchObject([
      { name: 'audit:copy', after_id: 0, caller: 'single-user', next_event_at: expect.stringMatching(/^20\S+Z$/) },
      { name: 'billing', after_id: 3, next_event_at: null },
    ])
    const removed = await world.post(`${path}/billing/remove`, {})
    expect(removed).toMatchObject({ status: 200, body: { name: 'billing', after_id: 3 } })
    expect(codeOf(await world.post(`${path}/billing/remove`, {}))).toBe('404 not_found')
    expect(await listed()).toHaveLength(1)
  })

  it('are refused beyond the end of the log, with odd names and places, and beyond 100', async () => {
    await log([1])
    expect(codeOf(await move('billing', 1_000_000))).toBe('410 events_reset')
    for (const place of [-1, 1.5, '1', null, 2 ** 60, undefined])
      expect(codeOf(await move('billing', place))).toBe('422 invalid_request')
    for (const name of ['a%20b', 'a%2Fb', '%00', '.x', '-x', 'x'.repeat(65), '%E2%80%AE'])
      expect(codeOf(await move(name, 0))).toMatch(/^(?:404|422) /)
    expect(await listed()).toEqual([])
    await world.sql`
      insert into jobsctl_event_cursors (name, after_id, caller)
      select 'n' || n, 0, 'single-user' from generate_series(1, 100) as n`
    expect(codeOf(await move('billing', 1))).toBe('409 conflict')
    expect(await moved('n7', 1)).toBe(1)
  })

  it('get no event with a lower id, also where an earlier search ended below them', async () => {
    await log([2, 1])
    await world.sql`select setval(pg_get_serial_sequence('job_events', 'id'), 100)`
    const after60 = () => world.call('GET', `${jobPaths.events}?after_id=60&domain=other`)
    expect(await after60()).toMatchObject({ status: 200, body: [] })
    await world.sql`
      insert into job_events (id, job_id, domain, event_type) overriding system value
      values (30, 7, 'other', 'some.event'), (61, 7, 'other', 'some.event')`
    expect(await after60()).toMatchObject({ status: 200, body: [{ id: 61 }] })
  })

  it('keep what they have not passed for seven days beyond its term, and not longer', async () => {
    await log([40, 36, 35, 34, 32, 31, 1])
    await moved('billing', 3)
    const sweep = () =>
      deleteExpiredEvents(world.sql, { kind: 'steps', days: 30, from: firstPosition, isOver: () => false })
    expect(await sweep()).toMatchObject({ deleted: 3, isDone: true })
    expect(await ids()).toEqual([4, 5, 6, 7])
    expect(await moved('billing', 4)).toBe(4)
    await world.sql`update job_events set created_at = created_at - interval '4 days 12 hours' where id = 5`
    expect(await sweep()).toMatchObject({ deleted: 1 })
    // The fifth is 36 days and a half old now, and nobody waits for the fourth any more.
    expect(await ids()).toEqual([5, 6, 7])
    await world.sql`update job_events set created_at = created_at - interval '1 day' where id = 5`
    expect(await sweep()).toMatchObject({ deleted: 1 })
    expect(await ids()).toEqual([6, 7])
  })
})

describe('a cursor of another caller', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
  })
  afterAll(() => world?.stop())

  it('is unseen and left alone by callers who may only read, and open to those who may change jobs', async () => {
    const as = async (role: Role) => bearer(await makeToken(world.sql, role, role))
    const [viewer, other, operator] = [await as('viewer'), await as('viewer'), await as('operator')]
    expect(await world.post(`${path}/billing`, { after_id: 0 }, viewer)).toMatchObject({ status: 200 })
    expect(codeOf(await world.post(`${path}/billing`, { after_id: 0 }, other))).toBe('403 forbidden')
    expect(codeOf(await world.post(`${path}/billing/remove`, {}, other))).toBe('403 forbidden')
    const seenBy = async (headers: Record<string, string>) => (await world.call('GET', path, undefined, headers)).body
    expect(await seenBy(other)).toEqual([])
    expect(await seenBy(viewer)).toHaveLength(1)
    expect(await seenBy(operator)).toHaveLength(1)
    expect(await world.post(`${path}/billing/remove`, {}, operator)).toMatchObject({ status: 200 })
  })
})

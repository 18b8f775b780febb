import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deleteExpiredEvents, firstPosition } from '../../server/lifecycle/events/event-retention.ts'
import { kinds } from '../support/database/database.ts'
import { jobPaths } from '../support/worker.ts'
import { openWorld, type World } from '../support/world.ts'

const terms = { steps: 30, audit: 90 } as const

const event = fc.record({
  kind: fc.constantFrom('steps' as const, 'steps' as const, 'audit' as const),
  domain: fc.constantFrom('a', 'b', null),
  /** In days; null for an event without a time. Never within a minute of a term. */
  age: fc.option(
    fc.integer({ min: -100, max: 1000 }).map((days) => days + 0.5),
    { nil: null },
  ),
  /** How far the id is from the one before. */
  gap: fc.integer({ min: 1, max: 3 }),
})
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never

const isExpired = ({ kind, age }: Event): boolean => age !== null && age > terms[kind]

describe.each(kinds)('the terms of events on %s', (kind) => {
  let world: World
  /** The highest id that the sequence has given out. */
  let newest = 0
  beforeAll(async () => {
    // The database has no terms, so that the server deletes nothing by itself.
    world = await openWorld(kind)
    await world.sql`delete from jobsctl_settings where name in ('events_days', 'audit_days')`
    await world.sql`alter table job_events alter column created_at drop not null`
  })
  afterAll(() => world?.stop())

  it('delete what is over its term and nothing younger, and 410 is for exactly those cursors that miss events', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 30 }),
        fc.constantFrom(undefined, 'a', 'b'),
        fc.nat({ max: 90 }),
        async (events, domain, distance) => {
          await world.sql`delete from job_events`
          await world.sql`delete from jobsctl_expired_events`
          // An id is given out once: a server may remember where it has found nothing.
          const base = newest
          newest += 200
          let id = base
          const rows = events.map((one) => {
            id += one.gap
            return { ...one, id }
          })
          await world.sql`
            insert into job_events (id, job_id, domain, event_type, created_at)
            overriding system value
            select id, case kind when 'steps' then 1 end, domain, 'e', now() - age * interval '24 hours'
            from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as given (id bigint, kind text, domain text, age float8)`
          await world.sql`select setval(pg_get_serial_sequence('job_events', 'id'), ${newest}::bigint)`
          for (const of of ['steps', 'audit'] as const)
            await deleteExpiredEvents(world.sql, {
              kind: of,
              days: terms[of],
              from: firstPosition,
              isOver: () => false,
            })

          const left = await world.sql<{ id: number }[]>`select id from job_events order by id`
          const kept = rows.filter((row) => !isExpired(row) || row.id === id)
          expect(left.map((row) => row.id)).toEqual(kept.map((row) => row.id))

          const inScope = ({ domain: of }: Event) => domain === undefined || of === domain
          const gone = rows.filter((row) => !kept.includes(row) && inScope(row))
          const cursor = base + distance
          const misses = cursor > 0 && gone.some((row) => row.id > cursor)
          const { status, body } = await world.call(
            'GET',
            `${jobPaths.events}?after_id=${cursor}${domain ? `&domain=${domain}` : ''}`,
          )
          expect(status).toBe(misses ? 410 : 200)
          if (!misses) expect(body).toHaveLength(kept.filter((row) => inScope(row) && row.id > cursor).length)
        },
      ),
      { numRuns: Number(process.env.PROPERTY_RUNS ?? 60) },
    )
  })
})

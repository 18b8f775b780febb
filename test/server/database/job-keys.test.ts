import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withSchemaNames } from '../../../server/database/connection/schema-names.ts'
import { idArray } from '../../../server/database/job-ids.ts'
import type { Pool } from '../../../server/database/sql.ts'
import { readPiece } from '../../../server/endpoints/records/event-walk.ts'
import { insertEvents } from '../../../server/lifecycle/events/job-events.ts'
import { holdRestored } from '../../../server/undo/hold-restored.ts'
import { saveRowImages } from '../../../server/undo/row-images.ts'
import { keyText } from '../../../shared/work/job-key.ts'
import { openWorld, type World } from '../../support/world.ts'

const stored = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => text !== '' && !/[\0\p{Cs}]/u.test(text))
const odd = fc.constantFrom('a/b', '100%', "o'clock", '"', '\\', '{1,2}', 'a,b', 'NULL', ' x ', '\n', '8123', '-5')
const key = fc.record({ queue: fc.oneof(odd, stored), id: fc.oneof(odd, stored) }).map(keyText)
const keys = fc.uniqueArray(key, { minLength: 1, maxLength: 10 })

describe('the keys of jobs of another engine in our own tables', () => {
  let world: World
  /** A client of a server whose jobs have keys, on the same tables. */
  let keyed: Pool
  beforeAll(async () => {
    world = await openWorld('postgres')
    const [{ functions }] = await world.sql<[{ functions: string[] }]>`
      select jsonb_agg(proname) as functions from pg_proc where pronamespace = 'pg_catalog'::regnamespace`
    // The statements of this client are rewritten once more, which leaves them as they are.
    keyed = withSchemaNames(world.sql, {
      known: {
        schema: 'public',
        tables: new Set(['job_operation_rows', 'jobsctl_held_jobs', 'jobsctl_holds', 'job_events']),
        functions: new Set(functions),
        sources: new Map(),
        jobId: 'text',
      },
    })
  })
  afterAll(() => world?.stop())

  const rowsOf = (ids: readonly string[]) =>
    keyed`select id, '{"a": 1}'::jsonb as before, '{"a": 2}'::jsonb as after from unnest(${idArray(keyed, ids)}) as id`

  it('are what a list of them says, whatever characters they have', async () => {
    await fc.assert(
      fc.asyncProperty(keys, async (ids) => {
        const rows = await keyed<{ id: string }[]>`
          select id from unnest(${idArray(keyed, ids)}) with ordinality as given (id, at) order by at`
        expect(rows.map(({ id }) => id)).toEqual(ids)
      }),
    )
  })

  it('have one row image each in an operation, beside those of ids', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e9 }), keys, async (operation, ids) => {
        await world.sql`delete from job_operation_rows`
        await world.sql`
          insert into job_operation_rows (operation_id, job_id, before, after) values (${operation}::bigint, 7, '{}', '{}')`
        await keyed`${saveRowImages(keyed, { operation }, rowsOf(ids))}`
        const again = keyed`select id, '{"a": 5}'::jsonb as before, '{"a": 3}'::jsonb as after from (${rowsOf(ids)}) as rows`
        await keyed`${saveRowImages(keyed, { operation }, again)}`
        const images = await world.sql<{ job_id: number; job_key: string | null; before: unknown; after: unknown }[]>`
          select job_id, job_key, before, after from job_operation_rows where operation_id = ${operation}::bigint`
        expect(images.filter(({ job_key }) => job_key === null)).toMatchObject([{ job_id: 7 }])
        const ofKeys = images.filter(({ job_key }) => job_key !== null)
        expect(ofKeys.map(({ job_key }) => job_key).sort()).toEqual([...ids].sort())
        expect(ofKeys.every(({ job_id }) => job_id < 0)).toBe(true)
        expect(ofKeys.map(({ before, after }) => ({ before, after }))).toEqual(
          ids.map(() => ({ before: { a: 1 }, after: { a: 3 } })),
        )
      }),
      { numRuns: 30 },
    )
  })

  it('are held once each, and are in events as the id of their job', async () => {
    await fc.assert(
      fc.asyncProperty(keys, async (ids) => {
        await world.sql`truncate jobsctl_holds, jobsctl_held_jobs, job_events`
        const restored = keyed`select id from unnest(${idArray(keyed, ids)}) as id`
        const hold = () => keyed`
          with ${holdRestored(
            keyed,
            { operation: 5, caller: 'ann', reason: undefined, optimistic: false },
            { undoes: 4, until: undefined, days: 1, restored },
          )}
          select from hold`
        await hold()
        await hold()
        const held = await world.sql<{ job_key: string }[]>`select job_key from jobsctl_held_jobs`
        expect(held.map(({ job_key }) => job_key).sort()).toEqual([...ids].sort())
        const events = keyed`
          select id, 'd' as domain, 'q' as queue, 't' as job_type, null::text as owner_user_id, null::text as trace_id,
            'job.retried' as event_type, '{}'::jsonb as attrs
          from unnest(${idArray(keyed, ids)}) as id`
        await keyed`${insertEvents(keyed, { requestId: 'r' }, events)}`
        const [{ last }] = await world.sql<[{ last: number }]>`select max(id) as last from job_events`
        const read = await readPiece(keyed, { domain: 'd' }, { stretch: { after: 0, last }, limit: 100 })
        expect(read.events.map(({ job_id }) => job_id).sort()).toEqual([...ids].sort())
      }),
      { numRuns: 30 },
    )
  })
})

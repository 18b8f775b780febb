import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TokenScope } from '../../shared/access/token-scope.ts'
import { events as operation } from '../../shared/endpoints.ts'
import type { JobEvent } from '../../shared/records/events.ts'
import { bearer, makeScoped, makeToken } from '../support/access/tokens.ts'
import { kinds } from '../support/database/database.ts'
import { readStream } from '../support/streams/event-reader.ts'
import { jobPaths } from '../support/worker.ts'
import { openWorld, type World } from '../support/world.ts'

const { PROPERTY_RUNS: runs = '25' } = process.env

const name = fc.constantFrom('a', 'b', 'c')
const nameOrNone = fc.option(name, { nil: null })
const event = fc.record({
  /** The distance from the id before: sequences have gaps, some of them wider than a piece of a walk. */
  gap: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 3 }) }, fc.integer({ min: 1, max: 60_000 })),
  job_id: fc.option(fc.integer({ min: 1, max: 9 }), { nil: null }),
  domain: nameOrNone,
  queue: nameOrNone,
  job_type: nameOrNone,
  event_type: fc.constantFrom('job.created', 'queue.paused', 'jobs.pruned'),
})
const filter = fc.record({ domain: name, queue: name, job_type: name }, { requiredKeys: [] })
type Filter = Partial<Record<'domain' | 'queue' | 'job_type', string>>
type Row = { [Field in 'domain' | 'queue' | 'job_type']: string | null } & { job_id: number | null; event_type: string }

/** What a caller may see: a scope of a token, and the events that it must not hide. */
const scopes: readonly { scope: Partial<TokenScope> | undefined; has: (row: Row) => boolean }[] = [
  { scope: undefined, has: () => true },
  { scope: { domains: ['a'] }, has: ({ domain }) => domain === 'a' },
  { scope: { queues: [{ domain: 'b', queue: 'a' }] }, has: ({ domain, queue }) => domain === 'b' && queue === 'a' },
  {
    scope: { domains: ['c'], queues: [{ domain: 'a', queue: 'b' }], job_types: ['a', 'b'] },
    has: ({ domain, queue, job_type }) =>
      (domain === 'c' || (domain === 'a' && queue === 'b')) && (job_type === 'a' || job_type === 'b'),
  },
  { scope: { job_types: ['c'] }, has: ({ job_type }) => job_type === 'c' },
]

const isAsked = (asked: Filter, row: Row): boolean =>
  (['domain', 'queue', 'job_type'] as const).every((field) => asked[field] === undefined || asked[field] === row[field])

/** Events of changes of many jobs have numbers of other domains. */
const isForScopes = ({ job_id, event_type }: Row): boolean => job_id !== null || event_type === 'queue.paused'

describe.each(kinds)('a walk of the event log on %s', (kind) => {
  let world: World
  let callers: { headers: Record<string, string>; sees: (row: Row) => boolean }[]
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
    callers = []
    for (const { scope, has } of scopes) {
      const token = scope
        ? await makeScoped(world.sql, 'operator', scope)
        : await makeToken(world.sql, 'all', 'operator')
      callers.push({ headers: bearer(token), sees: (row) => has(row) && (!scope || isForScopes(row)) })
    }
  })
  afterAll(() => world?.stop())

  /** Goes on from `X-Next-After` until it is not there. */
  async function walk(as: Record<string, string>, asked: Filter, limit: number, begin: Record<string, number>) {
    const [place = 'after_id'] = Object.keys(begin)
    const pages: JobEvent[][] = []
    for (let at: number | undefined = begin[place]; at !== undefined; ) {
      const query = new URLSearchParams({ ...asked, [place]: String(at), limit: String(limit), partial: 'true' })
      const { status, body, headers } = await world.call('GET', `${jobPaths.events}?${query}`, undefined, as)
      expect(status).toBe(200)
      pages.push(operation.output.parse(body))
      const next = headers['x-next-after']
      at = next === undefined ? undefined : Number(next)
    }
    return pages
  }

  it('gives exactly the events of the filter, in both directions, and so do streams', async () => {
    let last = 1_000_000
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 40 }),
        filter,
        fc.nat({ max: scopes.length - 1 }),
        fc.integer({ min: 1, max: 7 }),
        async (log, asked, nth, limit) => {
          const caller = callers[nth]
          if (!caller) throw new Error('no such caller')
          await world.sql`truncate job_events`
          const begin = last
          await world.sql`select setval(pg_get_serial_sequence('job_events', 'id'), ${begin})`
          const query = `?${new URLSearchParams({ ...asked, after_id: String(begin) })}`
          const follower = await readStream(world, query, caller.headers)
          const rows = log.map(({ gap, ...fields }) => {
            last += gap
            return { id: last, ...fields }
          })
          await world.sql`select setval(pg_get_serial_sequence('job_events', 'id'), ${last})`
          if (rows.length > 0) await world.sql`insert into job_events ${world.sql(rows)}`
          const wanted = rows.filter((row) => isAsked(asked, row) && caller.sees(row)).map(({ id }) => id)

          const forward = await walk(caller.headers, asked, limit, { after_id: begin })
          expect(forward.flat().map(({ id }) => id)).toEqual(wanted)
          const back = await walk(caller.headers, asked, limit, { before_id: Number.MAX_SAFE_INTEGER })
          expect(
            back
              .reverse()
              .flat()
              .map(({ id }) => id),
          ).toEqual(wanted)
          const late = await readStream(world, query, caller.headers)
          for (const stream of [follower, late]) {
            await stream.count(wanted.length)
            expect(stream.events.map(({ id }) => id)).toEqual(wanted)
            stream.stop()
          }
        },
      ),
      { numRuns: Number(runs) },
    )
  })
})

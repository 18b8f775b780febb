import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  clusterDigits,
  clusterId,
  failureCode,
  failureMessage,
  failureState,
  patternOf,
} from '../../server/database/error-pattern.ts'
import { inFilter } from '../../server/database/job-filter.ts'
import { isArchivedKeptByHold, isKeptByHold } from '../../server/database/kept-by-hold.ts'
import { type JobFilter, jobFilterFields } from '../../shared/jobs/job-filter.ts'
import { clearAll } from '../support/bulk-tools.ts'
import { insertRows } from '../support/database/tables.ts'
import { openWorld, type World } from '../support/world.ts'

/** `PROPERTY_RUNS=500` is a long search; `PROPERTY_SEED` repeats one. */
const { PROPERTY_RUNS: runs = '40', PROPERTY_SEED: seed } = process.env

const second = (n: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString()
const states = ['queued', 'processing', 'completed', 'failed', 'cancelled', 'quarantined'] as const
const word = fc.constantFrom('a', 'b', "it's ü", '%')
const time = fc.nat(3).map(second)
const value = fc.constantFrom('a', '1', 'null', 'true')

const row = fc.record({
  status: fc.constantFrom(...states),
  ...{ domain: word, queue: word, job_type: word },
  ...{ owner_user_id: fc.option(word), batch_group: fc.option(word), worker_id: fc.option(word) },
  ...{ error_code: fc.option(word), error_message: fc.option(word), last_error: fc.option(word) },
  ...{ created_at: time, completed_at: fc.option(time), cancelled_at: fc.option(time) },
  leased_until: fc.option(fc.constantFrom(second(0), '2099-01-01T00:00:00Z')),
  retry_count: fc.nat(2),
  payload: fc.constantFrom({}, { a: 'a' }, { a: { b: 1 } }, { a: { b: null } }, { a: [true] }, { '': 'a' }),
})

const field = {
  ...{ domain: word, queue: word, job_type: word, owner_user_id: word, batch_group: word, worker_id: word },
  ...{ error_code: word, error: fc.constantFrom('A', 'Ü', '%', "'") },
  status: fc.subarray([...states], { minLength: 1 }),
  ...{ created_after: time, created_before: time, ended_after: time, ended_before: time },
  min_retries: fc.nat(2),
  stale: fc.boolean(),
  cluster: fc.constantFrom('a', 'b'),
  payload: fc.array(fc.record({ path: fc.constantFrom<string[]>(['a'], ['a', 'b'], ['a', '0']), value }), {
    minLength: 1,
    maxLength: 2,
  }),
}
const filter: fc.Arbitrary<JobFilter> = fc.record(field, { requiredKeys: [] })

it('knows every field of a filter but the ids, which a hold keeps as single jobs', () => {
  expect(Object.keys(field).toSorted()).toEqual(
    Object.keys(jobFilterFields)
      .filter((name) => name !== 'ids')
      .toSorted(),
  )
})

let world: World
beforeAll(async () => {
  world = await openWorld('postgres')
})
afterAll(() => world?.stop())

/** The cluster of the first failure with this error code, or one that no job is in. */
async function clusterOf(code: string | undefined): Promise<string> {
  const { sql } = world
  const cause = { state: failureState(sql), code: failureCode(sql), pattern: patternOf(sql, failureMessage(sql)) }
  const [row] = await sql<{ digits: string }[]>`
    select ${clusterDigits(sql, cause)} as digits from jobs where error_code = ${code ?? ''} and status = 'failed' limit 1`
  return clusterId(row?.digits ?? '0123456789ab')
}

it('a hold is over exactly the jobs that its filters match, in the table and in the archive', {
  timeout: 300_000,
}, async () => {
  const { sql } = world
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 1, maxLength: 30 }),
      fc.array(filter, { maxLength: 3 }),
      async (rows, drawn) => {
        await clearAll(world)
        await insertRows(
          sql,
          rows.map((one, at) => ({ ...one, uuid: `u${at}` })),
        )
        const filters = await Promise.all(
          drawn.map(async (one) => ({ ...one, ...(one.cluster && { cluster: await clusterOf(one.cluster) }) })),
        )
        for (const one of filters)
          await sql`
          insert into jobsctl_holds (filter, until, caller)
          values (${JSON.stringify(one)}::text::jsonb, now() + interval '1 hour', 'c')`
        await sql`insert into jobsctl_holds (filter, until, caller) values ('{}', now(), 'an ended hold')`
        await sql`insert into jobs_archive select (jsonb_populate_record(null::jobs_archive, to_jsonb(jobs))).* from jobs`
        const idsOf = async (rows: Promise<readonly { id: number }[]>) => (await rows).map(({ id }) => id)
        const one = (wanted: JobFilter) =>
          idsOf(sql<{ id: number }[]>`select id from jobs where true ${inFilter(sql, wanted)}`)
        const wanted = [...new Set((await Promise.all(filters.map(one))).flat())].toSorted((a, b) => a - b)
        expect(await idsOf(sql<{ id: number }[]>`select id from jobs where ${isKeptByHold(sql)} order by id`)).toEqual(
          wanted,
        )
        expect(
          await idsOf(
            sql<{ id: number }[]>`select id from jobs_archive as jobs where ${isArchivedKeptByHold(sql)} order by id`,
          ),
        ).toEqual(wanted)
      },
    ),
    { numRuns: Number(runs), ...(seed && { seed: Number(seed) }) },
  )
})

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
import { isArchivedKeptByHold, isImageKeptByHold, isKeptByHold } from '../../server/database/kept-by-hold.ts'
import { readHolds } from '../../server/database/read-holds.ts'
import type { Fragment } from '../../server/database/sql.ts'
import { jobFilterFields } from '../../shared/jobs/job-filter.ts'
import { clearAll } from '../support/changes/bulk-tools.ts'
import { insertRows } from '../support/database/tables.ts'
import { fields, type Known, keeps, type ModelHold } from '../support/holds/hold-model.ts'
import { openWorld, type World } from '../support/world.ts'

/** `PROPERTY_RUNS=500` is a long search; `PROPERTY_SEED` repeats one. */
const { PROPERTY_RUNS: runs = '40', PROPERTY_SEED: seed } = process.env

const second = (n: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString()
const states = ['queued', 'processing', 'completed', 'failed', 'cancelled', 'quarantined'] as const
const word = fc.constantFrom('a', 'b', "it's ü", '%')
const time = fc.nat(3).map(second)
const value = fc.constantFrom('a', '1', 'null', 'true')
const operation = fc.constantFrom(1, 2)

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
/** A job, the operation that archived its copy, and those that keep an image of it. */
const kept = fc.record({
  row,
  archivedBy: fc.option(operation),
  images: fc.subarray([1, 2]),
})

const field = {
  ...{ domain: word, queue: word, job_type: word, owner_user_id: word, batch_group: word, worker_id: word },
  ...{ error_code: word, error: fc.constantFrom('A', 'Ü', '%', "'") },
  status: fc.subarray([...states], { minLength: 1 }),
  ...{ created_after: time, created_before: time, ended_after: time, ended_before: time },
  min_retries: fc.nat(2),
  stale: fc.boolean(),
  cluster: fc.constantFrom('a', 'b', 'v9-0123456789ab'),
  payload: fc.array(fc.record({ path: fc.constantFrom<string[]>(['a'], ['a', 'b'], ['a', '0']), value }), {
    minLength: 1,
    maxLength: 2,
  }),
  // Of a later version.
  tenant: word,
}
/** Few fields, since a filter of many fits no job. */
const filter = fc
  .tuple(fc.record(field), fc.subarray(Object.keys(field), { maxLength: 3 }))
  .map(([all, names]) => Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name))))
/** The jobs of a hold by their places among the rows. */
const hold = fc.oneof(
  { weight: 4, arbitrary: filter.map((wanted) => ({ filter: wanted })) },
  fc.record({ operation }),
  fc.record({ places: fc.uniqueArray(fc.nat(9), { maxLength: 3 }) }),
)

it('knows every field of a filter but the ids, which a hold keeps as single jobs', () => {
  const known = Object.keys(jobFilterFields).filter((name) => name !== 'ids')
  expect(Object.keys(fields).toSorted()).toEqual(known.toSorted())
  expect(Object.keys(field).toSorted()).toEqual([...known, 'tenant'].toSorted())
})

let world: World
beforeAll(async () => {
  world = await openWorld('postgres')
})
afterAll(() => world?.stop())

/** The cluster of each job, as if it were a failure. */
async function clusters(): Promise<Map<number, string>> {
  const { sql } = world
  const cause = { state: failureState(sql), code: failureCode(sql), pattern: patternOf(sql, failureMessage(sql)) }
  const rows = await sql<{ id: number; digits: string }[]>`select id, ${clusterDigits(sql, cause)} as digits from jobs`
  return new Map(rows.map(({ id, digits }) => [id, clusterId(digits)]))
}

async function insertHold(one: ModelHold): Promise<void> {
  const { sql } = world
  const wanted = 'filter' in one ? JSON.stringify(one.filter) : null
  const [over, ids] = ['operation' in one ? one.operation : null, 'ids' in one ? one.ids : undefined]
  await sql`
    with hold as (
      insert into jobsctl_holds (filter, operation_id, jobs, until, caller)
      values (
        ${wanted}::text::jsonb, ${over}::bigint, ${ids ? ids.length : null}::bigint, now() + interval '1 hour', 'c'
      )
      returning id
    )
    insert into jobsctl_held_jobs (hold_id, job_id)
    select hold.id, job_id from hold cross join unnest(${(ids ?? []).map(String)}::text[]::bigint[]) as job_id`
}

it('a hold keeps exactly the jobs of its model: in the table, in the archive and as images', {
  timeout: 300_000,
}, async () => {
  const { sql } = world
  await fc.assert(
    fc.asyncProperty(
      fc.array(kept, { minLength: 1, maxLength: 30, size: 'max' }),
      fc.array(hold, { maxLength: 3, size: 'max' }),
      async (jobs, drawn) => {
        await clearAll(world)
        const ids = await insertRows(
          sql,
          jobs.map((one, at) => ({ ...one.row, uuid: `u${at}` })),
        )
        for (const [at, id] of ids.entries()) {
          await sql`
            insert into jobs_archive
            select (jsonb_populate_record(null::jobs_archive, to_jsonb(jobs) || ${JSON.stringify({ operation_id: jobs[at]?.archivedBy ?? null })}::text::jsonb)).*
            from jobs where id = ${id}`
          await sql`
            insert into job_operation_rows (operation_id, job_id, before, after)
            select of, ${id}, '{}', '{}' from unnest(${(jobs[at]?.images ?? []).map(String)}::text[]::bigint[]) as of`
        }
        const clustered = await clusters()
        /** The cluster of the first job with this error code, or one that no job is in. */
        const clusterOf = (code: string) =>
          /^v9/.test(code)
            ? code
            : (clustered.get(ids[jobs.findIndex(({ row }) => row.error_code === code)] ?? 0) ?? 'v2-0123456789ab')
        const holds = drawn.map((one): ModelHold => {
          if ('places' in one) return { ids: one.places.flatMap((place) => ids[place] ?? []) }
          if ('operation' in one) return one
          const { cluster } = one.filter
          return { filter: { ...one.filter, ...(typeof cluster === 'string' && { cluster: clusterOf(cluster) }) } }
        })
        for (const one of holds) await insertHold(one)
        await sql`insert into jobsctl_holds (filter, until, caller) values ('{}', now(), 'an ended hold')`
        const known = jobs.flatMap(({ row, archivedBy, images }, at) => {
          const id = ids[at] ?? 0
          const about: Known = { id, operation: archivedBy, images, cluster: clustered.get(id) ?? '' }
          return [{ row, about }]
        })
        const wanted = (keeps: (hold: ModelHold, row: (typeof known)[number]) => boolean) =>
          known.filter((one) => holds.some((hold) => keeps(hold, one))).map(({ about }) => about.id)
        const found = await readHolds(sql)
        const idsOf = async (from: Fragment, condition: Fragment | undefined) => {
          const rows = await sql<{ id: number; held: boolean | null }[]>`
            select id, ${condition ?? sql`false`} as held from ${from} order by id`
          expect(rows.filter(({ held }) => held === null)).toEqual([])
          return rows.filter(({ held }) => held).map(({ id }) => id)
        }
        const imagesOf = (of: number) => sql`
          (select job_id as id, * from job_operation_rows where operation_id = ${of}) as images`
        const table = wanted((hold, { row, about }) => keeps.job(hold, row, about))
        expect(await idsOf(sql`jobs`, isKeptByHold(sql, found))).toEqual(table)
        const copies = wanted((hold, { row, about }) => keeps.copy(hold, row, about))
        expect(await idsOf(sql`jobs_archive as jobs`, isArchivedKeptByHold(sql, found))).toEqual(copies)
        const images = wanted((hold, { row, about }) => about.images.includes(1) && keeps.image(hold, row, about, 1))
        expect(await idsOf(imagesOf(1), isImageKeptByHold(sql, found))).toEqual(images)
      },
    ),
    { numRuns: Number(runs), ...(seed && { seed: Number(seed) }) },
  )
})

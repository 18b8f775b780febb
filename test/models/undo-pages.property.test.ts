import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { pageOfConflicts } from '../../server/endpoints/records/conflicts.ts'
import { listConflicts } from '../../shared/endpoints.ts'
import type { JobId } from '../../shared/work/job-key.ts'
import { clearAll } from '../support/changes/bulk-tools.ts'
import { addEdge } from '../support/changes/dependents.ts'
import { kinds } from '../support/database/database.ts'
import { mapFile } from '../support/engines/mapped.ts'
import { type ServedTables, serveTables } from '../support/engines/serve-tables.ts'
import type { Answer } from '../support/http.ts'
import { openWorld, paths, type World } from '../support/world.ts'

/** `PROPERTY_RUNS=500` is a long search; `PROPERTY_SEED` repeats one. */
const { PROPERTY_RUNS: runs = '20', PROPERTY_SEED: seed } = process.env
const options = { numRuns: Number(runs), ...(seed && { seed: Number(seed) }) }
const timeout = 300_000 + Number(runs) * 5000

const Pruned = z.looseObject({ operation_id: z.number() })
const Previewed = z.looseObject({ conflict_count: z.number() })

function bodyOf<Out extends z.ZodType>(schema: Out, { status, body }: Answer): z.output<Out> {
  expect(status, JSON.stringify(body)).toBe(200)
  return schema.parse(body)
}

type Page = z.output<typeof listConflicts.output>

/** All pages, one after the other, as their jobs. */
async function walk(page: (after: JobId) => Promise<Page>): Promise<Page['conflicts']> {
  const all: Page['conflicts'] = []
  let after: JobId | null = 0
  for (let pages = 0; after !== null; pages++) {
    expect(pages).toBeLessThan(100)
    const { conflicts, next_after_id }: Page = await page(after)
    all.push(...conflicts)
    after = next_after_id
  }
  return all
}

/** The most jobs of each of two kinds. */
const most = 6

const story = fc.record({
  /** In which order the jobs of both kinds get their ids. */
  order: fc.shuffledSubarray(
    Array.from({ length: 2 * most }, (_, n) => n),
    { minLength: 2 * most },
  ),
  /** Failed jobs, which the prune deletes: whether another job has taken the uuid since. */
  deleted: fc.array(fc.boolean(), { minLength: 1, maxLength: most }),
  /** Jobs that wait for some of them: whether somebody has changed the job since. */
  waiting: fc.array(fc.record({ needs: fc.uniqueArray(fc.nat(most - 1), { maxLength: 3 }), isChanged: fc.boolean() }), {
    maxLength: most,
  }),
  /** How many jobs a page reads. */
  size: fc.integer({ min: 1, max: 5 }),
})

describe.each(kinds)('the pages of the conflicts of a prune on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())

  it('have together what one page has, and the preview', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(story, async ({ order, deleted, waiting, size }) => {
        await clearAll(world)
        const uuids = Array.from({ length: 2 * most }, () => randomUUID())
        const ofWaiting = (n: number) => uuids[most + n] ?? ''
        for (const at of order) {
          const [uuid, isDeleted] = [uuids[at] ?? '', at < deleted.length]
          if (isDeleted) await world.jobs(1, { uuid, status: 'queued' })
          else if (at >= most && at - most < waiting.length) await world.jobs(1, { uuid, status: 'queued' })
        }
        for (const [n, { needs }] of waiting.entries())
          for (const need of needs) if (need < deleted.length) await addEdge(world.sql, ofWaiting(n), uuids[need] ?? '')
        await world.sql`
          update jobs set status = 'failed', completed_at = '2020-01-01' where uuid = any(${uuids.slice(0, deleted.length)}::text[])`
        const { operation_id: id } = bodyOf(Pruned, await world.confirm(paths.prune, {}))
        for (const [n, isTaken] of deleted.entries())
          if (isTaken) await world.jobs(1, { uuid: uuids[n] ?? '', status: 'completed' })
        for (const [n, { isChanged }] of waiting.entries())
          if (isChanged) await world.sql`update jobs set priority = 9 where uuid = ${ofWaiting(n)}`

        const path = `/api/v1/jobs/operations/${id}`
        const whole = bodyOf(listConflicts.output, await world.call('GET', `${path}/conflicts`))
        const preview = bodyOf(Previewed, await world.confirm(`${path}/undo`, { dry_run: true }))
        const paged = await walk((after_id) =>
          pageOfConflicts({ sql: world.sql, within: undefined }, { id, after_id }, size),
        )
        expect(paged).toEqual(whole.conflicts)
        expect(preview.conflict_count).toBe(paged.length)
      }),
      options,
    )
  })
})

const map = `table: app.jobs
key: id
queue: queue
status: {column: state, map: {waits: queued, done: completed}}
times: {created: created_at, ended: ended_at}
prune: {of: [completed]}
`
/** More than a page reads. */
const mapped = 20_100

describe('the pages of the conflicts of a prune of a mapped table whose keys are numbers', () => {
  let served: ServedTables
  let sql: postgres.Sql
  let path: string
  beforeAll(async () => {
    const fill = async (made: postgres.Sql) => {
      sql = made
      await sql.unsafe(`
        create schema app;
        create table app.jobs (id bigint primary key, queue text, state text, created_at timestamptz, ended_at timestamptz);
        insert into app.jobs
        select n, case when n % 7 = 0 then 'b' else 'ä' end, 'done', now() - interval '40 days', now() - interval '35 days'
        from generate_series(1, ${mapped}) as n;
        create table before as table app.jobs`)
    }
    served = await serveTables(fill, { records: 'mapped', env: { JOBS_MAP_FILE: await mapFile(map) } })
    const request = { domain: 'app', statuses: ['completed'], older_than_days: 30 }
    const { operation_id } = bodyOf(Pruned, await served.post('prune', request))
    path = `/api/v1/jobs/operations/${operation_id}`
  })
  afterAll(() => served?.close())

  it('have each job whose key another one has taken, once', { timeout }, async () => {
    const taken = fc.uniqueArray(fc.integer({ min: 1, max: mapped }), { minLength: 1, maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(taken, async (ids) => {
        await sql`truncate app.jobs`
        await sql`insert into app.jobs select * from before where id = any(${ids})`
        const paged = await walk(async (after_id) =>
          bodyOf(
            listConflicts.output,
            await served.get(`${path}/conflicts`, after_id === 0 ? {} : { after_id: String(after_id) }),
          ),
        )
        const numbers = paged.map(({ job_id }) => Number(String(job_id).split('/')[1]))
        expect(numbers.toSorted((one, other) => one - other)).toEqual(ids.toSorted((one, other) => one - other))
      }),
      { ...options, numRuns: Math.min(5, Number(runs)) },
    )
  })
})

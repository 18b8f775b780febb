import fc from 'fast-check'
import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, at, clearAll, doneOf, holding, otherProgram, previewOf, prune } from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, type World } from '../../support/world.ts'

/** `PROPERTY_RUNS=500` is a long search; `PROPERTY_SEED` repeats one. */
const { PROPERTY_RUNS: runs = '5', PROPERTY_SEED: seed } = process.env
const timeout = 300_000 + Number(runs) * 5000
const options = { numRuns: Number(runs), ...(seed && { seed: Number(seed) }) }

/** Jobs that ended one after the other, or all at once, as another program's statement leaves them. */
const run = fc.record({
  jobs: fc.constantFrom(1, 2, 511, 512, 513, 700, 1600),
  first: fc.constantFrom('2020-01-01', '2020-01-01 00:00:05', '2021-06-05', '-infinity', '0044-03-15 BC'),
  apart: fc.constantFrom('0', '1 microsecond', '10 milliseconds', '1 second'),
  domain: fc.constantFrom('chatbooks', 'chatbooks', 'chatbooks', 'media'),
  status: fc.constantFrom('completed', 'failed', 'cancelled', 'quarantined', 'queued'),
})

const story = fc.record({
  filled: fc.array(run, { minLength: 1, maxLength: 5 }),
  /** Whether something hangs on one of them, and which. */
  hangs: fc.constantFrom('nothing', 'nothing', 'an edge', 'an attachment'),
  /** Which one is written after the preview, and which one another program holds. */
  written: fc.option(fc.nat(3000)),
  held: fc.option(fc.nat(3000), { freq: 2 }),
})

describe.each(kinds)('a prune of many on %s', (kind) => {
  let world: World
  let other: postgres.Sql | undefined
  beforeAll(async () => {
    world = await openWorld(kind, { JOBS_LOCK_TIMEOUT_SECONDS: '1' })
    other = kind === 'postgres' ? otherProgram(world) : undefined
  })
  afterAll(async () => {
    await other?.end()
    await world?.stop()
  })

  it('takes those of its preview that nobody has touched or holds, wherever they lie, and gives them back', {
    timeout,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(story, async ({ filled, hangs, written, held }) => {
        await clearAll(world)
        for (const run of filled) await fill(run)
        const ids = await prunable()
        const one = (nth: number | null) => (nth === null || ids.length === 0 ? undefined : ids[nth % ids.length])
        const [touched, locked] = [one(written), other && one(held)]
        await hang(hangs, ids)
        const { token: preview_token, count } = await previewOf(world, prune)
        expect(count).toBe(ids.length)
        if (touched) await world.sql`update jobs set priority = 7 where id = ${touched}`
        const before = await everything()
        const letGo =
          other && locked
            ? await holding(other, (tx) => tx`select id from jobs where id = ${locked} for update`)
            : undefined
        const done = doneOf(await ask(world, prune, { preview_token }))
        await letGo?.()
        const left = [...new Set([touched, locked].filter((id) => id !== undefined))]
        expect(done).toMatchObject({ affected: ids.length - left.length, skipped: left.length })
        expect(await prunable()).toEqual(left.sort((a, b) => a - b))
        expect(await orphans()).toBe(0)
        if (done.affected === 0) return
        const undone = await world.confirm(at.undo(done.operation ?? 0), {})
        expect(undone.body).toMatchObject({ affected: done.affected, conflict_count: 0 })
        expect(await everything()).toEqual(before)
      }),
      options,
    )
  })

  const fill = ({
    jobs,
    first,
    apart,
    domain,
    status,
  }: typeof run extends fc.Arbitrary<infer T> ? T : never) => world.sql`
    insert into jobs (uuid, domain, queue, job_type, status, priority, completed_at)
    select gen_random_uuid()::text, ${domain}, 'default', 'export', ${status}, 5,
      ${first}::text::timestamptz + nth * ${apart}::text::interval
    from generate_series(1, ${jobs}::int) as nth`

  async function hang(what: string, ids: readonly number[]): Promise<void> {
    const [first, last] = [ids[0], ids.at(-1)]
    if (first === undefined || last === undefined) return
    if (what === 'an attachment') await world.sql`insert into job_attachments (job_id, kind) values (${last}, 'log')`
    if (what === 'an edge') {
      await world.sql`
        insert into job_dependencies (job_uuid, depends_on_job_uuid)
        select (select uuid from jobs where id = ${first}), (select uuid from jobs where id = ${last})`
    }
  }

  /** By the tables alone: what the default of a prune in this domain is about. */
  async function prunable(): Promise<number[]> {
    const rows = await world.sql<{ id: number }[]>`
      select id::int as id from jobs
      where domain = 'chatbooks' and status in ('completed', 'failed', 'cancelled') and completed_at < now() - interval '30 days'
      order by id`
    return rows.map(({ id }) => id)
  }

  async function orphans(): Promise<number> {
    const [row] = await world.sql<{ count: number }[]>`
      select count(*)::int as count
      from (
        select from job_attachments where job_id not in (select id from jobs)
        union all
        select from job_dependencies
        where job_uuid not in (select uuid from jobs) or depends_on_job_uuid not in (select uuid from jobs)
      ) as left_behind`
    return row?.count ?? 0
  }

  const everything = () => world.sql`
    select
      (select md5(string_agg(jobs::text, ' ' order by id)) from jobs) as jobs,
      (select count(*)::int from job_attachments) as attachments,
      (select count(*)::int from job_dependencies) as edges`
})

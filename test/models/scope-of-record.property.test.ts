import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isRecordWithin } from '../../server/database/scope-of-record.ts'
import { commonScope, mayShareJobs } from '../../server/database/shared-jobs.ts'
import { liesWithin } from '../../shared/access/token-scope.ts'
import { limits, places, scope } from '../support/access/limits.ts'
import { kinds } from '../support/database/database.ts'
import { openWorld, type World } from '../support/world.ts'

/** `PROPERTY_RUNS=500` is a long search; `PROPERTY_SEED` repeats one. */
const { PROPERTY_RUNS: runs = '30', PROPERTY_SEED: seed } = process.env

describe.each(kinds)('which records a caller with a scope sees on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())

  it('no record whose scope another program has written in another way', async () => {
    const scopes = [5, null, {}, { domains: 'a' }, { queues: [null] }, { queues: [1, { queue: 'q' }] }]
    const records = [
      ...scopes.map((within) => ({ kind: 'prune', filters: { within } })),
      { kind: 'prune', filters: [] },
    ]
    const seen = await world.sql`
      select
      from jsonb_to_recordset(${JSON.stringify(records)}::text::jsonb)
        as job_operations (kind text, domain text, queue text, job_type text, filters jsonb)
      where true ${isRecordWithin(world.sql, { domains: ['a'], queues: [], job_types: [], cascade: false })}`
    expect(seen).toHaveLength(0)
  })

  it('those of changes that could reach no job outside, and its own', async () => {
    const changes = fc.array(
      limits.filter((one) => mayShareJobs(one, {})),
      { minLength: 10, maxLength: 30 },
    )
    await fc.assert(
      fc.asyncProperty(scope, changes, async (viewer, made) => {
        const own = { ...made[0], within: viewer }
        const all = mayShareJobs(own, {}) ? [...made, own] : made
        const records = all.map((one, nth) => ({
          nth,
          kind: 'prune',
          ...commonScope(one),
          filters: one.within ? { within: one.within } : {},
        }))
        const { sql } = world
        const seen = await sql<{ nth: number }[]>`
          select nth
          from jsonb_to_recordset(${JSON.stringify(records)}::text::jsonb)
            as job_operations (nth int, kind text, domain text, queue text, job_type text, filters jsonb)
          where true ${isRecordWithin(sql, viewer)}`
        const visible = new Set(seen.map(({ nth }) => nth))
        for (const nth of visible)
          for (const place of places)
            if (mayShareJobs(all[nth] ?? {}, place)) expect(liesWithin(viewer, place)).toBe(true)
        if (all.length > made.length) expect(visible).toContain(made.length)
      }),
      { numRuns: Number(runs), ...(seed && { seed: Number(seed) }) },
    )
  })
})

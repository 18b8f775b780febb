import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { changes, clearAll, previewOf } from '../../support/changes/bulk-tools.ts'
import { tokenBody, tokenSigner } from '../../support/changes/sign-token.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, type World } from '../../support/world.ts'

/** `PROPERTY_RUNS=2000` is a long search; `PROPERTY_SEED` repeats one. */
const { PROPERTY_RUNS: runs = '30', PROPERTY_SEED: seed } = process.env
const timeout = 300_000 + Number(runs) * 3000
const options = { numRuns: Number(runs), ...(seed && { seed: Number(seed) }) }

const parts = ['system', 'timeline', 'table'] as const
const part = fc.constantFrom('same', 'other', 'hidden')

/** What has become of the database between a preview and its use. */
const story = fc.record({
  change: fc.constantFrom(...changes),
  /** A restore, a promotion or a load of a dump changes some of the parts; the token of an earlier server has none. */
  origin: fc.option(fc.record({ system: part, timeline: part, table: part }), { freq: 3 }),
  /** So many transactions before the present one the preview was; a negative number is what a restore has taken back. */
  before: fc.integer({ min: -50, max: 50 }),
  /** Seconds by which a server noticed that the database has moved, before or after the preview. */
  moved: fc.option(fc.constantFrom(-60, 60)),
})
type Story = typeof story extends fc.Arbitrary<infer T> ? T : never

describe.each(kinds)('a token of a time that never was on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())

  it('is refused, and one of this database is taken, whatever the ids of transactions', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(story, async (one) => {
        await clearAll(world)
        await play(one)
      }),
      options,
    )
  })

  async function play({ change, origin, before, moved }: Story): Promise<void> {
    await world.jobs(3, change.wanted)
    for (let n = 0; n < 60; n += 1) await world.sql`select pg_current_xact_id()`
    const body = tokenBody((await previewOf(world, change)).token)
    const [{ end }] = await world.sql<[{ end: string }]>`
      select pg_snapshot_xmax(pg_current_snapshot())::text as end`
    const seen = String(BigInt(end) - BigInt(before))
    const sign = await tokenSigner(world)
    const known = Object(body.origin)
    const read = { same: (name: string) => known[name], other: () => '7', hidden: () => null }
    const then = origin && Object.fromEntries(parts.map((name) => [name, read[origin[name]](name)]))
    const { origin: _, ...rest } = body
    const token = sign({ ...rest, seen: `${seen}:${seen}:`, ...(then && { origin: then }) })
    if (moved !== null)
      await world.sql`
        insert into job_events (event_type, attrs_json, created_at)
        values ('log.moved', '{}', ${body.as_of}::text::timestamptz + ${moved}::int * interval '1 second')`

    const isOther = origin !== null && parts.some((name) => origin[name] === 'other')
    const isDoubtful = origin === null || origin.system === 'hidden' || origin.timeline === 'hidden'
    // The server itself uses some transactions meanwhile.
    const isAhead = before < -20
    if (before < 0 && !isAhead) return
    const stale = isOther || isAhead || (isDoubtful && moved === 60)
    const rows = await world.fingerprint()
    const preview = await world.post(change.path, { ...change.preview, preview_token: token })
    const answer = stale
      ? await world.confirm(change.path, { ...change.body, preview_token: token })
      : { status: 200, body: {} }
    const expected = stale ? { status: 409, body: { code: 'preview_stale' } } : { status: 200 }
    for (const given of [preview, answer]) expect(given).toMatchObject(expected)
    expect(await world.fingerprint()).toBe(rows)
  }
})

import fc from 'fast-check'
import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  ask,
  changes,
  clearAll,
  doneOf,
  expectIntact,
  holding,
  otherProgram,
  previewOf,
} from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, type World } from '../../support/world.ts'
import { action, carryOut, populate, type Scene, takeRows } from './actions.ts'
import { expectOnlyCounted, snapshotOf, touchedBy, usedByWorkers } from './observe.ts'

/** `PROPERTY_RUNS=2000` is a long search; `PROPERTY_SEED` repeats one. */
const { PROPERTY_RUNS: runs = '6', PROPERTY_SEED: seed } = process.env
const timeout = 300_000 + Number(runs) * 3000
const options = { numRuns: Number(runs), ...(seed && { seed: Number(seed) }) }

const story = fc.record({
  change: fc.constantFrom(...changes),
  size: fc.integer({ min: 1, max: 30 }),
  /** After the preview, and while the change runs. */
  between: fc.array(action, { maxLength: 5 }),
  beside: fc.array(action, { maxLength: 5 }),
  /** Which of them another program holds: to the end, or until the change has begun. */
  held: fc.array(fc.nat(30), { maxLength: 3 }),
  how: fc.constantFrom('lock', 'touch'),
  toTheEnd: fc.nat(6).map((drawn) => drawn === 0),
  /** In a transaction that was open when the preview was made. */
  before: fc.boolean(),
})
type Story = typeof story extends fc.Arbitrary<infer T> ? T : never

describe.each(kinds)('a change by its preview on %s', (kind) => {
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

  it('changes what was counted and is as it was, and nothing else, whatever goes on beside', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(story, async (one) => {
        await clearAll(world)
        await play(one)
      }),
      options,
    )
  })

  async function play({ change, size, between, beside, held, how, toTheEnd, before }: Story): Promise<void> {
    await populate(world, change, size)
    const previewed = await snapshotOf(world, change)
    const counted = [...previewed.keys()]
    const taken = held.flatMap((nth) => counted[nth % (counted.length || 1)] ?? [])
    const hold = () => (other && taken.length > 0 ? holding(other, (tx) => takeRows(tx, how, taken)) : undefined)

    let letGo = before ? await hold() : undefined
    // A transaction that is over makes the open one older than the newest that the preview knows of.
    await world.sql`select pg_current_xact_id()`
    const preview = await previewOf(world, change)
    expect(preview.count).toBe(counted.length)
    if (before && letGo && !toTheEnd) await letGo()
    letGo = before && toTheEnd ? letGo : undefined
    const scene: Scene = {
      world,
      change,
      counted,
      written: new Set(before && other && how === 'touch' ? taken : []),
      running: false,
    }
    const mine = between.filter(({ pick }) => !letGo || !taken.includes(counted[pick % counted.length] ?? 0))
    for (const action of mine) await carryOut(scene, action)
    if (!before) letGo = await hold()
    const answer = ask(world, change, { preview_token: preview.token }, { 'x-request-id': 'the-change' })
    scene.running = true
    const busy = async () => {
      if (letGo && !toTheEnd) await letGo()
      // Whoever writes a row that is held to the end would wait for it.
      if (!letGo || !toTheEnd) for (const action of beside) await carryOut(scene, action)
    }
    const [done] = await Promise.all([answer.then(doneOf), busy()])
    if (letGo && toTheEnd) await letGo()
    if (how === 'touch' && other) for (const id of taken) scene.written.add(id)

    const touched = await touchedBy(world, change, done)
    expect(touched.length).toBe(done.affected)
    expect(done.affected + (done.skipped ?? 0)).toBe(preview.count)
    await expectOnlyCounted({ touched, previewed, written: scene.written })
    const kept = toTheEnd && letGo ? taken : []
    const used = await usedByWorkers(world)
    const free = counted.filter((id) => !scene.written.has(id) && !kept.includes(id) && !used.has(id))
    expect(touched.map(({ id }) => id)).toEqual(expect.arrayContaining(free))
    await expectIntact(world)
  }
})

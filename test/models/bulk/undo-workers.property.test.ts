import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { undo } from '../../../shared/changes/undo.ts'
import { ask, at, cancelSweep, clearAll, doneOf, expectIntact, requeue } from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import type { JobRow } from '../../support/database/job-row.ts'
import { workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

/** `PROPERTY_RUNS=2000` is a long search; `PROPERTY_SEED` repeats one. */
const { PROPERTY_RUNS: runs = '5', PROPERTY_SEED: seed } = process.env
const timeout = 300_000 + Number(runs) * 3000

const use = fc.record({
  do: fc.constantFrom('complete', 'fail', 'release', 'renew', 'cancel', 'delete', 'enqueue', 'change again'),
  pick: fc.nat(20),
})
type Use = typeof use extends fc.Arbitrary<infer T> ? T : never

const story = fc.record({
  change: fc.constantFrom(requeue, cancelSweep),
  size: fc.integer({ min: 1, max: 8 }),
  /** Each of these waits for the one before it. */
  chained: fc.nat(3),
  before: fc.array(use, { maxLength: 6 }),
  beside: fc.array(use, { maxLength: 4 }),
})
type Story = typeof story extends fc.Arbitrary<infer T> ? T : never

describe.each(kinds)('an undo beside workers on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())

  it('gives back the jobs that no worker has had since, as they were, and lists the rest', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(story, async (one) => {
        await clearAll(world)
        await play(world, one)
      }),
      { numRuns: Number(runs), ...(seed && { seed: Number(seed) }) },
    )
  })
})

async function play(world: World, { change, size, chained, before, beside }: Story): Promise<void> {
  await world.jobs(size, { ...change.wanted, retry_count: 2, result: { of: 'before' }, error_message: 'it broke' })
  if (change === cancelSweep) await chain(world, chained)
  const rows = await world.rows()
  const { operation = 0, affected } = doneOf(await ask(world, change))
  expect(affected).toBe(size)
  for (const use of before) await carryOut(world, use)
  const [answer] = await Promise.all([world.confirm(at.undo(operation), {}), all(world, beside)])

  const { affected: back, conflict_count } = undo.output.parse(answer.body)
  const restored = await restoredOnes(world)
  expect(restored.size).toBe(back)
  expect(back + conflict_count).toBe(rows.length)
  const now = await world.rows()
  expect(new Set(now.map(({ uuid }) => uuid)).size).toBe(now.length)
  for (const row of rows) {
    const job = now.find(({ id }) => id === row.id)
    // Back in the queue, it may be picked up at once; in quarantine, nobody touches it.
    if (job && restored.has(job.id ?? 0) && job.status === row.status && beside.length === 0)
      expect(still(job)).toEqual(still(row))
    if (job && restored.has(job.id ?? 0) && change === requeue) expect(job.status).toMatch(/quarantined|queued/)
  }
  await expectIntact(world)
}

/** Queued jobs that are too young for the sweep, and go along with what they wait for. */
async function chain(world: World, length: number): Promise<void> {
  for (let nth = 0; nth < length; nth += 1) {
    const [id] = await world.jobs(1, { status: 'queued', days: 0, domain: 'next' })
    await world.sql`
      insert into job_dependencies (job_uuid, depends_on_job_uuid)
      select job.uuid, needed.uuid from jobs job, jobs needed
      where job.id = ${id ?? 0}::bigint and needed.id = (select max(id) from jobs where id < ${id ?? 0}::bigint)`
  }
}

const still = ({ updated_at, ...rest }: JobRow) => rest

async function all(world: World, uses: Use[]): Promise<void> {
  for (const use of uses) await carryOut(world, use)
}

async function carryOut(world: World, { do: what, pick }: Use): Promise<void> {
  const worker = workerOf(world.post)
  if (what === 'enqueue') return void (await worker.enqueue())
  const rows = await world.rows()
  const id = rows[pick % (rows.length || 1)]?.id ?? 0
  if (what === 'cancel') return void (await worker.cancel(id).catch(() => {}))
  if (what === 'delete') return void (await world.sql`delete from jobs where id = ${id}::bigint`)
  // Out of its state, and into it again.
  if (what === 'change again')
    return void (await world.sql`update jobs set available_at = available_at + interval '1 microsecond', cancelled_at = cancelled_at + interval '1 microsecond' where id = ${id}::bigint`)
  const [job] = await worker.lease()
  if (job) await worker[what](job)
}

/** Those that were given back: right after the change itself, and nothing of a worker came between. */
async function restoredOnes(world: World): Promise<Set<number>> {
  const last = new Map<number, string>()
  const restored = new Set<number>()
  for (const { job_id, event_type } of await world.steps()) {
    if (event_type === 'job.restored') {
      expect(last.get(Number(job_id)), `before ${job_id} was restored`).toMatch(/^job\.(requeued|cancelled)$/)
      expect(restored.has(Number(job_id)), `${job_id} was restored once`).toBe(false)
      restored.add(Number(job_id))
    }
    last.set(Number(job_id), event_type)
  }
  return restored
}

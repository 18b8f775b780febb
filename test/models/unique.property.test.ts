import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enqueueWith } from '../../sdk/client.ts'
import { deleteLeftClaims, firstClaim } from '../../server/lifecycle/insert/claims.ts'
import { ask, at, clearAll, prune } from '../support/changes/bulk-tools.ts'
import { kinds } from '../support/database/database.ts'
import { jobPath, workerOf } from '../support/worker.ts'
import { openWorld, type World } from '../support/world.ts'

/** `PROPERTY_RUNS=500` is a long search; `PROPERTY_SEED` repeats one. */
const { PROPERTY_RUNS: runs = '15', PROPERTY_SEED: seed } = process.env

const key = fc.constantFrom('a', 'b')
const nth = fc.nat(9)
const ended = fc.constantFrom('completed', 'failed', 'cancelled', 'quarantined')
const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ does: fc.constant('enqueue' as const), key, over: fc.constantFrom('http', 'sql') }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constant('batch' as const), keys: fc.array(key, { minLength: 1, maxLength: 3 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('work' as const),
      ends: fc.constantFrom('complete', 'fail', 'release', 'vanish'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('endBySql' as const), nth, status: ended }) },
  fc.record({ does: fc.constant('cancel' as const), nth }),
  { weight: 2, arbitrary: fc.record({ does: fc.constant('bringBack' as const) }) },
  fc.record({ does: fc.constantFrom('prune' as const, 'undo' as const, 'walk' as const) }),
)
type Command = typeof command extends fc.Arbitrary<infer One> ? One : never

describe.each(kinds)('keys that end on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    // The walk of the background is a command here.
    world = await openWorld(kind, { JOBS_BACKGROUND: 'false' })
  })
  afterAll(() => world?.stop())

  /** The job that took each key last, as the answers said. */
  let holders: Map<string, string>
  const place = { domain: 'chatbooks', job_type: 'export', payload: {} }
  const uniqueJob = (one: string) => ({ ...place, idempotency_key: one, unique: 'while_queued' as const })
  const statuses = async () => new Map((await world.rows()).map(({ uuid, status }) => [uuid, status]))
  const isAlive = (status: string | null | undefined) => status === 'queued' || status === 'processing'

  /** What an enqueue of these keys must answer: the job that has the key, or a new one. */
  async function enqueued(keys: readonly string[], send: () => Promise<{ uuid: string | null; created: boolean }[]>) {
    const before = await statuses()
    const answers = await send()
    expect(answers).toHaveLength(keys.length)
    for (const [index, one] of keys.entries()) {
      const { uuid, created } = answers[index] ?? { uuid: null, created: false }
      const held = holders.get(one) ?? ''
      const isHeld = isAlive(before.get(held)) || keys.indexOf(one) < index
      expect(created, `${one} of ${keys}`).toBe(!isHeld)
      if (isHeld) expect(uuid).toBe(held)
      else expect(before.has(uuid)).toBe(false)
      holders.set(one, uuid ?? '')
    }
    expect((await statuses()).size - before.size).toBe(answers.filter(({ created }) => created).length)
  }

  async function run(one: Command): Promise<void> {
    const worker = workerOf(world.post)
    const rows = await world.rows()
    const picked = 'nth' in one ? rows[one.nth % Math.max(rows.length, 1)] : undefined
    switch (one.does) {
      case 'enqueue':
        return enqueued([one.key], async () =>
          one.over === 'sql'
            ? [await enqueueWith(world.sql)(uniqueJob(one.key))]
            : [await worker.enqueue(uniqueJob(one.key))],
        )
      case 'batch':
        return enqueued(one.keys, () => worker.enqueueAll(one.keys.map(uniqueJob)))
      case 'work': {
        const [job] = await worker.lease()
        if (!job || one.ends === 'vanish') return
        if (one.ends === 'fail') await worker.fail(job, { retryable: job.id % 2 === 0, backoff_seconds: 0 })
        else await (one.ends === 'complete' ? worker.complete(job) : worker.release(job))
        return
      }
      case 'endBySql':
        await world.sql`update jobs set status = ${one.status}, lease_id = null where uuid = ${picked?.uuid ?? ''}`
        return
      case 'cancel':
        if (picked) await world.post(jobPath(picked.id ?? 0, 'cancel'), { force: true })
        return
      case 'bringBack':
        await world.confirm('/api/v1/jobs/batch/retry', { domain: 'chatbooks' })
        await world.confirm('/api/v1/jobs/batch/requeue_quarantined', { domain: 'chatbooks' })
        return
      case 'prune':
        await world.sql`
          update jobs
          set created_at = now() - interval '1 year', updated_at = now() - interval '1 year',
            completed_at = now() - interval '1 year', cancelled_at = now() - interval '1 year'
          where status in ('completed', 'failed', 'cancelled')`
        expect((await ask(world, prune)).status).toBe(200)
        return
      case 'undo': {
        const [last] = await world.sql<{ id: number }[]>`
          select id from job_operations where kind = 'prune' and state = 'done' order by id desc limit 1`
        if (last) expect((await world.confirm(at.undo(last.id), {})).status).toBe(200)
        return
      }
      case 'walk': {
        const alive = await statuses()
        await deleteLeftClaims(world.sql, firstClaim)
        for (const [name, uuid] of holders) if (!alive.has(uuid)) holders.delete(name)
        return
      }
      default:
        throw one satisfies never
    }
  }

  it('are answered as the model says, whatever becomes of their jobs', { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 40 }), async (commands) => {
        await clearAll(world)
        holders = new Map()
        for (const one of commands) {
          await run(one)
          const claims = await world.sql<{ key: string; job_uuid: string }[]>`select key, job_uuid from jobsctl_claims`
          expect(new Map(claims.map(({ key: name, job_uuid }) => [name, job_uuid]))).toEqual(holders)
        }
      }),
      { numRuns: Number(runs), endOnFailure: true, ...(seed && { seed: Number(seed) }) },
    )
  })
})

import { setTimeout as wait } from 'node:timers/promises'
import { enqueue, enqueueBatch } from '../../../../shared/endpoints.ts'
import type { EnqueuedJob } from '../../../../shared/work/enqueue.ts'
import { type Known, makeJob, type NewJob } from '../job-mix.ts'
import type { Journal } from '../journal.ts'
import { pruned } from '../lanes.ts'
import type { Random } from '../random.ts'
import type { Answer, Caller } from './caller.ts'

interface Enqueuing {
  jobs: number
  caller: Caller
  journal: Journal
  random: Random
  /** Waits while there is enough to do. */
  room: () => Promise<void>
  /** Ends it before all jobs are enqueued. */
  signal?: AbortSignal
}

const atOnce = 4

/** Enqueues so many jobs, in batches and singly; those with a key again and again. Returns how many it made. */
export async function enqueueAll(run: Enqueuing): Promise<number> {
  const known: Known = { lasting: [], passing: [] }
  let made = 0
  const hand = async () => {
    while (made < run.jobs && !run.signal?.aborted) {
      await run.room()
      const size = Math.min(run.jobs - made, run.random.chance(0.3) ? 1 : run.random.whole(2, 60))
      const first = made
      made += size
      await enqueueSome({
        ...run,
        known,
        batch: Array.from({ length: size }, (_, i) => makeJob(first + i, run.random, known)),
      })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, hand))
  return made
}

interface Some extends Enqueuing {
  batch: NewJob[]
  known: Known
}

async function enqueueSome(some: Some): Promise<void> {
  const { random, batch, known } = some
  const keyed = batch.filter(({ idempotency_key }) => idempotency_key !== undefined)
  const again = keyed.length > 0 && random.chance(0.4) ? [until(some, keyed)] : []
  // The same keys between other jobs, which must be taken in once for all that.
  const [enqueued] = await Promise.all([until(some, batch), ...again])
  for (const { uuid, domain } of enqueued) if (uuid) known[domain === pruned ? 'passing' : 'lasting'].push(uuid)
  if (keyed.length > 0 && random.chance(0.1)) await until(some, keyed)
}

/** Sends a batch until it is answered; what has no key is sent again only where the server says it did nothing. */
async function until(some: Some, batch: NewJob[]): Promise<EnqueuedJob[]> {
  const { journal } = some
  for (let left = batch; left.length > 0; await wait(50)) {
    const { request, body, code, unanswered } = await send(some, left)
    if (body) {
      for (const [at, { id, created }] of body.entries()) {
        journal.write({ kind: 'enqueued', request, n: left[at]?.payload.n ?? -1, job: id, created })
      }
      return body
    }
    // A job that another was to depend on may have been pruned.
    if (code === 'invalid_request') left = left.map(({ depends_on: _, ...job }) => job)
    if (!unanswered) continue
    for (const { payload, idempotency_key } of left) {
      if (idempotency_key === undefined) journal.write({ kind: 'unanswered', n: payload.n })
    }
    left = left.filter(({ idempotency_key }) => idempotency_key !== undefined)
  }
  return []
}

async function send({ caller }: Some, batch: NewJob[]): Promise<Answer<EnqueuedJob[]>> {
  const [job] = batch
  if (job && batch.length === 1) {
    const { body, ...answer } = await caller.call(enqueue, job)
    return { ...answer, ...(body && { body: [body] }) }
  }
  const { body, ...answer } = await caller.call(enqueueBatch, { jobs: batch })
  return { ...answer, ...(body && { body: body.jobs }) }
}

import { setTimeout as wait } from 'node:timers/promises'
import { enqueue, enqueueBatch } from '../../../../shared/endpoints.ts'
import type { EnqueuedJob } from '../../../../shared/work/enqueue.ts'
import { type Known, makeJob, type NewJob } from '../job-mix.ts'
import type { Journal } from '../journal.ts'
import { prunedDomain } from '../queues.ts'
import type { Random } from '../random.ts'
import type { Caller, CallResult } from './caller.ts'

interface Enqueuing {
  /** The number of jobs to enqueue. */
  jobs: number
  caller: Caller
  journal: Journal
  random: Random
  /** Waits while the queues have enough live jobs. */
  room: () => Promise<void>
  /** Stops the enqueuing before all jobs are enqueued. */
  signal?: AbortSignal
}

const concurrency = 4

/**
 * Enqueues jobs in batches and singly, and repeats some of the jobs that have an idempotency key.
 * @returns the number of jobs that it tried to enqueue
 */
export async function enqueueAll(run: Enqueuing): Promise<number> {
  const known: Known = { permanent: [], prunable: [] }
  let made = 0
  const enqueueInTurn = async () => {
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
  await Promise.all(Array.from({ length: concurrency }, enqueueInTurn))
  return made
}

interface Batch extends Enqueuing {
  batch: NewJob[]
  known: Known
}

async function enqueueSome(run: Batch): Promise<void> {
  const { random, batch, known } = run
  const keyed = batch.filter(({ idempotency_key }) => idempotency_key !== undefined)
  const repeated = keyed.length > 0 && random.chance(0.4) ? [sendUntilAccepted(run, keyed)] : []
  // A concurrent batch with some of the same keys: each job must still be created once.
  const [enqueued] = await Promise.all([sendUntilAccepted(run, batch), ...repeated])
  for (const { uuid, domain } of enqueued)
    if (uuid) known[domain === prunedDomain ? 'prunable' : 'permanent'].push(uuid)
  if (keyed.length > 0 && random.chance(0.1)) await sendUntilAccepted(run, keyed)
}

/**
 * Sends a batch until the server has accepted it. After an unknown outcome it repeats only the jobs with an idempotency
 * key, since a repeated job without a key could be created twice.
 */
async function sendUntilAccepted(run: Batch, batch: NewJob[]): Promise<EnqueuedJob[]> {
  const { journal } = run
  for (let left = batch; left.length > 0; await wait(50)) {
    const { request, body, code, unknownOutcome } = await send(run, left)
    if (body) {
      for (const [at, { id, created }] of body.entries()) {
        journal.write({ kind: 'enqueued', request, n: left[at]?.payload.n ?? -1, job: id, created })
      }
      return body
    }
    // A prune may have deleted a job that this one depends on.
    if (code === 'invalid_request') left = left.map(({ depends_on: _, ...job }) => job)
    if (!unknownOutcome) continue
    for (const { payload, idempotency_key } of left) {
      if (idempotency_key === undefined) journal.write({ kind: 'unknown-outcome', n: payload.n })
    }
    left = left.filter(({ idempotency_key }) => idempotency_key !== undefined)
  }
  return []
}

async function send({ caller }: Batch, batch: NewJob[]): Promise<CallResult<EnqueuedJob[]>> {
  const [job] = batch
  if (job && batch.length === 1) {
    const { body, ...result } = await caller.call(enqueue, job)
    return { ...result, ...(body && { body: [body] }) }
  }
  const { body, ...result } = await caller.call(enqueueBatch, { jobs: batch })
  return { ...result, ...(body && { body: body.jobs }) }
}

import { acquireAll, enqueueAll, finishAll, type WorkerPool } from './worker-pool.ts'

/** The calls that workers make for each job. */
export const workCalls = ['enqueue', 'acquire', 'finish'] as const

/** Jobs per second of each call. */
export type Rates = Record<(typeof workCalls)[number], number>

const sizes = {
  'in batches': { jobs: 8000, enqueue: 1000, take: 100 },
  'one by one': { jobs: 600, enqueue: 1, take: 1 },
}
export type Size = keyof typeof sizes

/** The rates in both sizes. */
export type Round = Record<Size, Rates>

/** Enqueues, acquires and finishes jobs, and measures each. */
async function workRates(pool: WorkerPool, size: Size): Promise<Rates> {
  const { jobs, enqueue: batch, take } = sizes[size]
  const enqueue = await enqueueAll(pool, { jobs, batch })
  const { rate: acquire, leased } = await acquireAll(pool, { jobs, batch: take })
  return { enqueue, acquire, finish: await finishAll(pool, leased, take) }
}

/** Measures both sizes, after a warm-up. */
export async function workRound(pool: WorkerPool): Promise<Round> {
  await workRates(pool, 'in batches')
  return { 'in batches': await workRates(pool, 'in batches'), 'one by one': await workRates(pool, 'one by one') }
}

import { acquireAll, enqueueAll, finishAll, type LeasedJob, type WorkerPool } from './worker-pool.ts'

/** The calls that workers make for each job. */
export const workCalls = ['enqueue', 'acquire', 'finish'] as const

/** Jobs per second of each call. */
export type Rates = Record<(typeof workCalls)[number], number>

/** How many jobs are worked, and how many a call enqueues and takes. */
export interface Amounts {
  jobs: number
  enqueue: number
  take: number
}

export const sizes = {
  'in batches': { jobs: 8000, enqueue: 1000, take: 100 },
  'one by one': { jobs: 600, enqueue: 1, take: 1 },
} satisfies Record<string, Amounts>
export type Size = keyof typeof sizes

/** The rates in both sizes. */
export type Round = Record<Size, Rates>

/** Runs all calls of one kind, and what belongs beside them. */
export type Phase = <T>(calls: () => Promise<T>) => Promise<T>

/** The calls of workers for a number of jobs, to be made in their order: each function makes all calls of its kind, and returns their rate. */
export function workSteps(
  pool: WorkerPool,
  { jobs, enqueue: batch, take }: Amounts,
  phase: Phase,
): Record<keyof Rates, () => Promise<number>> {
  let leased: readonly LeasedJob[] = []
  return {
    enqueue: () => phase(() => enqueueAll(pool, { jobs, batch })),
    async acquire() {
      const acquired = await phase(() => acquireAll(pool, { jobs, batch: take }))
      leased = acquired.leased
      return acquired.rate
    },
    finish: () => phase(() => finishAll(pool, leased, take)),
  }
}

/** Enqueues, acquires and finishes jobs, and measures each. */
export async function workRates(pool: WorkerPool, amounts: Amounts): Promise<Rates> {
  const steps = workSteps(pool, amounts, (calls) => calls())
  return { enqueue: await steps.enqueue(), acquire: await steps.acquire(), finish: await steps.finish() }
}

/** Measures both sizes, after a warm-up. */
export async function workRound(pool: WorkerPool): Promise<Round> {
  const [batches, single] = [sizes['in batches'], sizes['one by one']]
  await workRates(pool, batches)
  return { 'in batches': await workRates(pool, batches), 'one by one': await workRates(pool, single) }
}

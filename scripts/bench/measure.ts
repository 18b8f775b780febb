import type { Pair } from './figure.ts'

/** One measurement of one side, in the unit of the figure. */
export type Side = () => Promise<number>

interface Plan {
  rounds: number
  /** Rounds before the measured rounds, in which caches fill and PostgreSQL plans the statements. Not in the result. */
  warmUps?: number
}

/**
 * Measures both sides alternately, so that other load of the machine falls on both. The first side changes each round.
 */
export async function measureAlternately({ rounds, warmUps = 1 }: Plan, ours: Side, against: Side): Promise<Pair> {
  const pair: { ours: number[]; against: number[] } = { ours: [], against: [] }
  for (let round = -warmUps; round < rounds; round++) {
    const [first, second] = round % 2 === 0 ? [ours, against] : [against, ours]
    const [one, other] = [await first(), await second()]
    if (round < 0) continue
    pair.ours.push(first === ours ? one : other)
    pair.against.push(first === ours ? other : one)
  }
  return pair
}

/** Returns a side that measures how long one call of `work` takes, in milliseconds. */
export const duration =
  (work: () => Promise<unknown>): Side =>
  async () => {
    const began = performance.now()
    await work()
    return performance.now() - began
  }

/** Returns a side that measures the mean duration of `calls` sequential calls of `work`, in milliseconds. */
export const meanDuration =
  (calls: number, work: () => Promise<unknown>): Side =>
  async () => {
    const began = performance.now()
    for (let call = 0; call < calls; call++) await work()
    return (performance.now() - began) / calls
  }

/** The percentile `share` (0 to 1) of the durations of `calls` sequential calls of `work`, in milliseconds. */
export async function percentileOf(share: number, calls: number, work: () => Promise<unknown>): Promise<number> {
  const durations: number[] = []
  for (let call = 0; call < calls; call++) durations.push(await duration(work)())
  durations.sort((a, b) => a - b)
  return durations[Math.max(0, Math.ceil(share * calls) - 1)] ?? 0
}

/**
 * Repeats a statement, each time in a transaction of its own, until it finds no more rows.
 * @throws Error where it has found another number of rows than `rows`
 */
export async function inBatches(rows: number, statement: () => Promise<{ count: number }>): Promise<void> {
  let found = 0
  for (;;) {
    const { count } = await statement()
    if (count === 0) break
    found += count
  }
  if (found !== rows) throw new Error(`the statements moved ${found} rows, not ${rows}`)
}

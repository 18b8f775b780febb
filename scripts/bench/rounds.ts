import type { Pair } from './figure.ts'

/** Does something once, and says what it measured. */
export type Side = () => Promise<number>

interface Plan {
  rounds: number
  /** Rounds of which nothing is kept: caches fill, and statements are planned. */
  warmUps?: number
}

/** Measures both sides in turn, so that what the machine does beside it falls on both; who is first changes. */
export async function inTurn({ rounds, warmUps = 1 }: Plan, ours: Side, against: Side): Promise<Pair> {
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

/** How long it takes, in milliseconds. */
export const timed =
  (work: () => Promise<unknown>): Side =>
  async () => {
    const began = performance.now()
    await work()
    return performance.now() - began
  }

/** How long one call takes on average, in milliseconds, of so many one after the other. */
export const timedEach =
  (calls: number, work: () => Promise<unknown>): Side =>
  async () => {
    const began = performance.now()
    for (let call = 0; call < calls; call++) await work()
    return (performance.now() - began) / calls
  }

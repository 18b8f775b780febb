import type { Durations } from './history.ts'

/**
 * The bound at or below which 95 in 100 of the times are, in seconds: infinite where they are above every bound, undefined without times.
 * @param bounds those of the answer
 */
export function mostOf({ jobs, buckets }: Durations, bounds: readonly number[]): number | undefined {
  if (jobs === 0) return undefined
  let below = 0
  for (const [at, count] of buckets.entries()) {
    below += count
    const bound = bounds[at]
    if (below >= 0.95 * jobs && bound !== undefined) return bound
  }
  return Number.POSITIVE_INFINITY
}

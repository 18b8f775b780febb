import { hrtime } from 'node:process'

/** Milliseconds of a monotonic clock. `performance.now()` gives the same, but Node loads it at each start. */
export const now = (): number => Number(hrtime.bigint()) / 1e6

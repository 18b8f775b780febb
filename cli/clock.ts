import { hrtime } from 'node:process'

/** Milliseconds of a clock that nobody sets. Node would load `performance` for the same, at each start. */
export const now = (): number => Number(hrtime.bigint()) / 1e6

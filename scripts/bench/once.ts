import type { Bench } from './bench.ts'

/** What several figures need is made by the first that asks. What failed is not tried again. */
export function once<T>(make: (bench: Bench) => Promise<T>): (bench: Bench) => Promise<T> {
  let made: Promise<T> | undefined
  return (bench) => {
    made ??= make(bench)
    return made
  }
}

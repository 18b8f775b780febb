import type { Bench } from './bench.ts'

/**
 * Returns a function that calls `make` on its first call and returns the same promise on each call, so that figures
 * share a database that takes minutes to fill. A rejected promise is kept: `make` does not run a second time.
 */
export function memoize<T>(make: (bench: Bench) => Promise<T>): (bench: Bench) => Promise<T> {
  let made: Promise<T> | undefined
  return (bench) => {
    made ??= make(bench)
    return made
  }
}

/** The releases of graphile-worker by the last migration that each of them runs. */
const releases: ReadonlyMap<number, string> = new Map([
  [18, '0.16'],
  [19, '0.17'],
  [20, '0.18'],
])

/**
 * The lowest and the highest migration that are tested for reading, and for writing, beside the package itself: that of 0.18 alone. Outside of
 * `reads` the server reads and says so; outside of `writes` every change is refused.
 */
export const tested: { reads: readonly [number, number]; writes: readonly [number, number] } = {
  reads: [20, 20],
  writes: [20, 20],
}

/**
 * What people call a version of the tables.
 * @param migration the highest number in the table `migrations`
 * @returns such as `0.18`, `older than 0.16` or `newer than 0.18`
 */
export function releaseOf(migration: number): string {
  const numbers = [...releases.keys()]
  const release = releases.get(migration)
  if (release) return release
  return migration < Math.min(...numbers)
    ? `older than ${releases.get(Math.min(...numbers))}`
    : `newer than ${releases.get(Math.max(...numbers))}`
}

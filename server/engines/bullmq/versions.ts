/** The first release of the package `bullmq` with each version of its tables, which its table `migration` has. */
const releases: ReadonlyMap<number, string> = new Map([
  [2, '6.0.3'],
  [3, '6.3.11'],
  [4, '6.4.0'],
  [5, '6.5'],
  [6, 'after 6.5'],
  [7, 'after 6.5'],
  [8, 'after 6.5'],
  [9, 'after 6.5'],
  [10, 'after 6.5'],
  [11, '6.7'],
])

const newest = 11

/** The versions of the tables that are tested for reading, and for writing. */
export const tested: { reads: readonly [number, number]; writes: readonly [number, number] } = {
  reads: [2, newest],
  writes: [5, newest],
}

/**
 * What people call a version of the tables.
 * @param schema the highest number in the table `migration`
 * @returns such as `6.7`, or `newer than 6.7`
 */
export const releaseOf = (schema: number): string =>
  releases.get(schema) ?? (schema > newest ? `newer than ${releases.get(newest)}` : 'older than 6.0.3')

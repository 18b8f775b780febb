/**
 * The versions of the package `pg-boss` by the number that its table `version` has: the first release of each schema, as its own
 * migrations name it.
 */
const releases: ReadonlyMap<number, string> = new Map([
  [24, '10.1.5'],
  [25, '11.0.0'],
  [26, '11.1.0'],
  [27, '12.6.0'],
  [28, '12.10.0'],
  [29, '12.11.0'],
  [30, '12.12.0'],
  [31, '12.19.0'],
  [32, '12.21.0'],
  [33, '12.22.0'],
  [34, '12.23.0'],
  [35, '12.24.0'],
  [36, '12.24.1'],
  [37, '12.26.0'],
  [38, '12.28.0'],
  [39, '12.29.0'],
  [40, '12.30.0'],
  [41, '12.31.0'],
  [42, '12.33.0'],
  [43, '12.35.0'],
  [44, '12.36.0'],
  [45, '12.37.0'],
  [46, '12.38.0'],
])

/**
 * The lowest and the highest version of the schema that are tested for reading, and for writing. Outside of `reads` the server reads and
 * says so; outside of `writes` every change is refused.
 */
export const tested: { reads: readonly [number, number]; writes: readonly [number, number] } = {
  reads: [24, 46],
  writes: [37, 46],
}

/**
 * What people call a version of the schema.
 * @param schema the number in the table `version`
 * @returns such as `12.38`, `10` for schema 24, or `older than 10.1.5`, `newer than 12.38`
 */
export function releaseOf(schema: number): string {
  const release = releases.get(schema)
  if (release) return shortened(release)
  const numbers = [...releases.keys()]
  return schema < Math.min(...numbers)
    ? `older than ${releases.get(Math.min(...numbers))}`
    : `newer than ${shortened(releases.get(Math.max(...numbers)) ?? '')}`
}

/** Schema 24 is that of all of 10.x since 10.1.5; later releases are known by two numbers. */
const shortened = (release: string): string =>
  release.startsWith('10.') ? '10' : release.split('.').slice(0, 2).join('.')

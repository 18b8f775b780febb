import { createRequire } from 'node:module'
import { describe } from 'vitest'
import { engineNode, nameOf, newestPgBoss, pgBossVersions, usedOf } from '../../../scripts/launch/engine-packages.ts'

/** `npm run test:engines -- --version …` takes the place of all versions. */
const only = process.env.TEST_ENGINE_VERSION || undefined
const [oldestToLookAt, oldestToChange] = pgBossVersions

/** The versions of pg-boss that jobsctl reads. */
export const readable: readonly string[] = only ? [only] : pgBossVersions

/** The versions of pg-boss that jobsctl changes. */
export const changeable: readonly string[] = readable.filter((version) => version !== oldestToLookAt)

/** The version that one test is enough for. */
export const newest: string = only ?? newestPgBoss
export { oldestToChange, oldestToLookAt }

/** Returns the path of the module of a version, or undefined when the version is not installed. */
export function entryOf(version: string): string | undefined {
  const manifest = usedOf({ name: 'pg-boss', version })
  return manifest && createRequire(manifest).resolve('../pg-boss')
}

const missingOf = (version: string): string[] =>
  [engineNode, { name: 'pg-boss' as const, version }].filter((wanted) => !usedOf(wanted)).map(nameOf)

/**
 * Declares the same tests beside each of the versions, as one group with the version in its title. The group of a version that is not
 * installed is skipped, and its title says which package is missing.
 */
export function besideEach(versions: readonly string[], title: string, tests: (version: string) => void): void {
  for (const version of versions) {
    const missing = missingOf(version)
    const why = missing.length > 0 ? ` (skipped: ${missing.join(' and ')} not installed)` : ''
    describe.skipIf(missing.length > 0)(`${title}, pg-boss ${version}${why}`, () => tests(version))
  }
}

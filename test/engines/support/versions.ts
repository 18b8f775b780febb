import { createRequire } from 'node:module'
import { newestPgBoss, pgBossVersions, usedOf } from '../../../scripts/launch/engine-packages.ts'
import { besideVersions, onlyVersion as only } from './child.ts'

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

/** Declares the same tests beside each of these versions of pg-boss. */
export const besideEach = (versions: readonly string[], title: string, tests: (version: string) => void): void =>
  besideVersions({ name: 'pg-boss', label: 'pg-boss', versions }, title, tests)

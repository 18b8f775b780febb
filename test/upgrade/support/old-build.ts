import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, inject } from 'vitest'
import { until } from '../../support/poll.ts'
import { built } from '../../support/programs/built.ts'

/** The versions of packed builds that users may have. */
export const oldBuilds = ['0.1.0', '0.2.0'] as const

export type OldBuild = (typeof oldBuilds)[number]

/** A packed build that users may have by its version, or `new`, the build of this clone. */
export type Build = OldBuild | 'new'

/** The two programs of a build, as paths of JavaScript files. */
export type Programs = typeof built

/** Which build starts first, and so makes the database, and which one joins it; one of them is the build `old`. */
export interface Order {
  old: OldBuild
  one: Build
  other: Build
}

const tarballOf = (old: OldBuild): string =>
  join(process.env.SHARED_DIR ?? '../shared', 'old-build', `jobsctl-${old}.tgz`)

/** A packed build that is not beside the clone is said once a file; the variable SHARED_DIR names another folder for them. */
const missing = oldBuilds.filter((old) => !existsSync(tarballOf(old)))
for (const old of missing) process.stderr.write(`skipped: the packed build ${tarballOf(old)} is missing\n`)

/**
 * Declares the same tests beside each of the builds `only`, by default all, as one group with the version in its title. The group of a
 * build that is missing is skipped.
 */
export function besideEach(
  title: (old: OldBuild) => string,
  tests: (old: OldBuild) => void,
  only: readonly OldBuild[] = oldBuilds,
): void {
  for (const old of only) describe.skipIf(missing.includes(old))(title(old), () => tests(old))
}

/** As `besideEach`, twice for each build: the old one starts first, and the new one does. */
export function inBothOrders(
  title: (order: Order) => string,
  tests: (order: Order) => void,
  only: readonly OldBuild[] = oldBuilds,
): void {
  for (const old of only)
    for (const order of ordersOf(old)) describe.skipIf(missing.includes(old))(title(order), () => tests(order))
}

export const ordersOf = (old: OldBuild): Order[] => [
  { old, one: old, other: 'new' },
  { old, one: 'new', other: old },
]

/** @throws Error with npm's output when the old build cannot be installed */
export const programsOf = async (build: Build): Promise<Programs> => (build === 'new' ? built : oldPrograms(build))

/** Installs an old build into a folder of the run: the first test file does it, and the others wait for its end. */
async function oldPrograms(old: OldBuild): Promise<Programs> {
  const folder = join(inject('runFolder'), `build-${old}`)
  const outcome = join(folder, 'outcome')
  if (await isFirst(folder)) await writeFile(outcome, await install(old, folder))
  const result = await until(`${old} is installed`, () => readFile(outcome, 'utf8').catch(() => ''), 120_000)
  if (result !== installed) throw new Error(`npm cannot install ${tarballOf(old)}: ${result}`)
  const dist = join(folder, 'node_modules', 'jobsctl', 'dist')
  return { server: join(dist, 'server', 'main.js'), jobsctl: join(dist, 'cli', 'bin.js') }
}

const isFirst = (folder: string): Promise<boolean> =>
  mkdir(folder).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false
      throw error
    },
  )

const installed = 'installed'

/** The tests use PostgreSQL alone, so that the optional embedded database, and with it the network, is not needed. */
async function install(old: OldBuild, folder: string): Promise<string> {
  const argv = ['install', '--prefix', folder, '--cache', join(folder, 'cache'), '--offline', '--omit=optional']
  return promisify(execFile)('npm', [...argv, '--no-audit', '--no-fund', resolve(tarballOf(old))]).then(
    () => installed,
    (error: unknown) => String(error),
  )
}

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { inject } from 'vitest'
import { until } from '../../support/poll.ts'
import { built } from '../../support/programs/built.ts'

/** `old` is the packed build that users may have, `new` is the build of this clone. */
export type Build = 'old' | 'new'

/** The two programs of a build, as paths of JavaScript files. */
export type Programs = typeof built

/** Which build starts first, and so makes the database, and which one joins it. */
export const orders = [
  { one: 'old', other: 'new' },
  { one: 'new', other: 'old' },
] as const satisfies { one: Build; other: Build }[]

const tarball = join(process.env.SHARED_DIR ?? '../shared', 'old-build', 'jobsctl-0.1.0.tgz')

/** False where the packed old build is not beside the clone; the variable SHARED_DIR names another folder for it. */
export const hasOldBuild = existsSync(tarball)
if (!hasOldBuild) process.stderr.write(`skipped: the packed old build ${tarball} is missing\n`)

/** @throws Error with npm's output when the old build cannot be installed */
export const programsOf = async (build: Build): Promise<Programs> => (build === 'new' ? built : oldPrograms())

/** Installs the old build into a folder of the run: the first test file does it, and the others wait for its end. */
async function oldPrograms(): Promise<Programs> {
  const folder = join(inject('runFolder'), 'old-build')
  const outcome = join(folder, 'outcome')
  if (await isFirst(folder)) await writeFile(outcome, await install(folder))
  const result = await until('the old build is installed', () => readFile(outcome, 'utf8').catch(() => ''), 120_000)
  if (result !== installed) throw new Error(`npm cannot install ${tarball}: ${result}`)
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
async function install(folder: string): Promise<string> {
  const argv = ['install', '--prefix', folder, '--cache', join(folder, 'cache'), '--offline', '--omit=optional']
  return promisify(execFile)('npm', [...argv, '--no-audit', '--no-fund', resolve(tarball)]).then(
    () => installed,
    (error: unknown) => String(error),
  )
}

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** A package that the tests of an engine run as a program of its own. */
export interface EnginePackage {
  name: 'node' | 'pg-boss' | 'bullmq' | 'graphile-worker'
  version: string
}

/** The newest pg-boss that jobsctl is tested for. A weekly run tries the one that npm has as `latest`. */
export const newestPgBoss = '12.38.0'

/** Versions of pg-boss: the oldest to look at, the oldest to change, and the newest. */
export const pgBossVersions = ['10.4.2', '12.27.0', newestPgBoss] as const

/** Versions of BullMQ: the oldest to look at, the oldest to change, and the newest. */
export const bullMqVersions = ['6.0.3', '6.5.4', '6.7.0'] as const

/** The version of graphile-worker that jobsctl looks at and changes. */
export const graphileWorkerVersions = ['0.18.0'] as const

/** What a package needs beside itself. */
const beside: Partial<Record<EnginePackage['name'], string>> = { bullmq: 'pg@8 ioredis@5' }

/** Node for the programs of engines: pg-boss 12 needs 22.12 or later, and jobsctl is tested with older ones. */
export const engineNode: EnginePackage = { name: 'node', version: '24.21.0' }

/** Beside the other packages, which no tool reads and `npm ci` removes. */
const folder = fileURLToPath(new URL('../../node_modules/.cache/jobsctl-engines/', import.meta.url))

/** What a package is used by: the binary of Node, which the script of its installation makes, or the manifest of a library. */
const used = {
  node: 'bin/node',
  'pg-boss': 'package.json',
  bullmq: 'package.json',
  'graphile-worker': 'package.json',
} satisfies Record<EnginePackage['name'], string>

/** Names a package as npm does: `pg-boss@12.38.0`. */
export const nameOf = ({ name, version }: EnginePackage): string => `${name}@${version}`

/** Returns the folder in which a package is installed, whether or not it is there. */
const projectOf = (wanted: EnginePackage): string => join(folder, nameOf(wanted))

/** Returns the path of the file by which a package is used, or undefined where the package is not installed. */
export function usedOf(wanted: EnginePackage): string | undefined {
  const path = join(projectOf(wanted), 'node_modules', wanted.name, used[wanted.name])
  return existsSync(path) ? path : undefined
}

/**
 * Installs a package by npm, unless it is installed. Two processes may do so at once: each installs into a folder of its own, and the
 * first one gives its folder the name of the package.
 * @returns undefined when the package is there, or the last lines of what npm says
 */
export async function installPackage(wanted: EnginePackage): Promise<string | undefined> {
  if (usedOf(wanted)) return undefined
  await mkdir(folder, { recursive: true })
  const project = await mkdtemp(join(folder, 'new-'))
  try {
    await writeFile(join(project, 'package.json'), '{ "private": true }')
    await npm(
      'install',
      '--prefix',
      project,
      '--no-audit',
      '--no-fund',
      '--loglevel',
      'error',
      nameOf(wanted),
      ...(beside[wanted.name] ?? '').split(' ').filter(Boolean),
    )
    // A folder that is there and not complete is of an installation without scripts: the new folder takes its place.
    if (!usedOf(wanted)) await rm(projectOf(wanted), { recursive: true, force: true })
    await rename(project, projectOf(wanted)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
    return usedOf(wanted) ? undefined : `it has no ${used[wanted.name]}, which a script of the package makes`
  } catch (error) {
    return error instanceof Error ? error.message.split('\n').slice(-6).join('\n').trim() : String(error)
  } finally {
    await rm(project, { recursive: true, force: true })
  }
}

/**
 * Asks the registry which version of a package has a tag.
 * @throws Error with what npm says
 */
export const versionOfTag = async (name: EnginePackage['name'], tag: string): Promise<string> =>
  (await npm('view', `${name}@${tag}`, 'version')).trim()

/** Runs npm, and ends it after three minutes. Returns its output. */
async function npm(...argv: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('npm', argv, { timeout: 180_000 })
  return stdout
}

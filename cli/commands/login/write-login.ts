import { dirname, join } from 'node:path'
import { Failure } from '../../../shared/errors.ts'
import { type Config, checkedSetting, type Profile } from '../../settings/config.ts'
import { makeFolder, makeRoom, replaceFile, writeConfig } from '../../settings/config-file.ts'
import { fileErrorText } from '../../system.ts'
import type { SecretKind } from './check-secret.ts'

interface Login {
  /** The path of the config file. */
  path: string
  config: Config
  name: string
  url: string
  kind: SecretKind
  secret: string
}

/**
 * Writes the secret to a file for its owner alone, beside the config file, and the profile that names the file. Each file is
 * written whole or not at all.
 * @throws Failure `usage` for a folder that cannot be written
 * @returns the path of the secret, and whether the profile is the default, as the only profile is
 */
export async function writeLogin({ path, config, name, url, kind, secret }: Login) {
  const file = join(dirname(path), 'secrets', `${encodeURIComponent(name)}.${kind}`)
  const old: Partial<Profile> = Object.hasOwn(config.profiles, name) ? { ...config.profiles[name] } : {}
  const { api_key_file: _f, api_key_command: _c, token_file: _t, token_command: _d, ...others } = old
  const { db: _b, db_file: _e, db_command: _g, ...kept } = others
  const source = kind === 'key' ? { api_key_file: file } : { token_file: file }
  const profiles = { ...config.profiles, [name]: { ...kept, url, ...source } }
  const standard = config.default ?? (Object.keys(profiles).length === 1 ? name : undefined)
  const next = checkedSetting({ profiles, ...(standard !== undefined && { default: standard }) }, `profile ${name}`)
  await writeSecret(file, secret).catch((cause: NodeJS.ErrnoException) => {
    throw new Failure('usage', `cannot write ${cause.path ?? file}: ${fileErrorText(cause)}`, { hint: makeRoom, cause })
  })
  await writeConfig(path, next)
  return { file, isDefault: standard === name }
}

async function writeSecret(path: string, secret: string): Promise<void> {
  await makeFolder(dirname(path))
  await replaceFile(path, `${secret}\n`)
}

import { Failure } from '../../shared/errors.ts'
import type { Io } from '../io.ts'
import type { SecretSource } from './secret.ts'
import type { NamedProfile, ServerAddress } from './server-address.ts'
import { isSameRoot } from './server-url.ts'
import type { GlobalFlags } from './settings.ts'

/** The header that carries a secret, the text before the secret, and the source of the secret. */
export interface Credential {
  header: 'X-API-KEY' | 'Authorization'
  prefix: string
  source: SecretSource
}

const keyFrom = (source: SecretSource): Credential => ({ header: 'X-API-KEY', prefix: '', source })
const tokenFrom = (source: SecretSource): Credential => ({ header: 'Authorization', prefix: 'Bearer ', source })
const file = (path: string | undefined, from: string): SecretSource | undefined =>
  path ? { kind: 'file', path, from } : undefined
const command = (argv: readonly string[] | undefined, from: string): SecretSource | undefined =>
  argv && { kind: 'command', argv, from }
const value = (text: string | undefined, from: string): SecretSource | undefined =>
  text ? { kind: 'value', value: text, from } : undefined

/**
 * The credential that belongs to an address, or undefined where no setting gives one.
 * @throws Failure `usage` for a key and a token from the same kind of setting
 */
export function credentialOf(flags: GlobalFlags, { env, home }: Io, address: ServerAddress): Credential | undefined {
  const key = file(flags.apiKeyFile, '--api-key-file')
  const token = file(flags.tokenFile, '--token-file')
  if (key && token) throw new Failure('usage', '--api-key-file and --token-file exclude each other')
  if (key) return keyFrom(key)
  if (token) return tokenFrom(token)

  if (address.from !== '--url' && address.profile) return ofProfile(address.profile, home)
  return ofEnvironment(env, address) ?? (address.from === 'BASE' ? ofBase(env) : undefined)
}

function ofProfile(profile: NamedProfile, home = '~'): Credential | undefined {
  const atHome = (path: string | undefined) => path?.replace(/^~(?=\/)/, () => home) // no shell expands the path
  const from = (field: string) => `profiles.${profile.name}.${field}`
  const key =
    file(atHome(profile.api_key_file), from('api_key_file')) ??
    command(profile.api_key_command, from('api_key_command'))
  const token =
    file(atHome(profile.token_file), from('token_file')) ?? command(profile.token_command, from('token_command'))
  return key ? keyFrom(key) : token && tokenFrom(token)
}

/** The `JOBSCTL_*` secrets belong to `JOBSCTL_URL`; where that variable is not set, to the one URL there is. */
function ofEnvironment(env: NodeJS.ProcessEnv, { url }: ServerAddress): Credential | undefined {
  if (env.JOBSCTL_URL && !isSameRoot(env.JOBSCTL_URL, url)) return undefined
  const key = file(env.JOBSCTL_API_KEY_FILE, 'JOBSCTL_API_KEY_FILE') ?? value(env.JOBSCTL_API_KEY, 'JOBSCTL_API_KEY')
  const token = file(env.JOBSCTL_TOKEN_FILE, 'JOBSCTL_TOKEN_FILE') ?? value(env.JOBSCTL_TOKEN, 'JOBSCTL_TOKEN')
  if (key && token) throw new Failure('usage', `${key.from} and ${token.from} exclude each other`)
  return key ? keyFrom(key) : token && tokenFrom(token)
}

function ofBase(env: NodeJS.ProcessEnv): Credential | undefined {
  const key = value(env.API_KEY, 'API_KEY')
  return key && keyFrom(key)
}

import { Failure } from '../../shared/errors.ts'
import type { Io } from '../io.ts'
import type { Config, Profile } from './config.ts'
import { readSecret, type SecretSource } from './secret.ts'
import type { GlobalFlags } from './settings.ts'

/** The server to talk to, and who to be there. */
export interface Target {
  url: URL
  /** What named the URL, for doctor and for errors. */
  from: string
  credential: { header: 'X-API-KEY' | 'Authorization'; value: string } | undefined
  /** What the credential was read from. */
  credentialFrom: string | undefined
  profile: (Profile & { name: string; named: boolean }) | undefined
}

const defaultUrl = 'http://127.0.0.1:8787'

interface Place {
  url: string
  from: string
  profile?: Target['profile']
}

interface Reading {
  readConfig: () => Promise<Config>
  /** How long a file with a secret may keep one waiting. */
  timeoutMs: number
}

/**
 * The target by precedence: flag, `JOBSCTL_*`, profile, `BASE`, default. A key goes to the URL it
 * belongs to and to no other: a profile's key to the profile's URL, `API_KEY` to `BASE`, and the
 * `JOBSCTL_*` ones to `JOBSCTL_URL` where that is set.
 * @throws Failure `usage` or `not_found`
 */
export async function readTarget(flags: GlobalFlags, io: Io, { readConfig, timeoutMs }: Reading): Promise<Target> {
  const place = await placeOf(flags, io.env, readConfig)
  const url = checkedUrl(place, flags.allowHttp ?? false)
  const secret = secretOf(flags, io, place)
  if (secret?.source.kind === 'command') {
    const { configPath, refuseWritable } = await import('./config.ts')
    const path = configPath(io)
    if (path !== undefined) await refuseWritable(path, secret.source.from)
  }
  const credential = secret && {
    header: secret.header,
    value: secret.prefix + (await readSecret(secret.source, io, timeoutMs)),
  }
  return { url, from: place.from, credential, credentialFrom: secret?.source.from, profile: place.profile }
}

async function placeOf(flags: GlobalFlags, env: NodeJS.ProcessEnv, readConfig: () => Promise<Config>): Promise<Place> {
  if (flags.url !== undefined) {
    // A profile named beside a URL still bounds and protects; its key stays at home.
    const profile = flags.profile === undefined ? undefined : profileOf(await readConfig(), flags.profile, true)
    return { url: flags.url, from: '--url', profile }
  }
  if (flags.profile !== undefined) return profilePlace(await readConfig(), flags.profile, '--profile')
  if (env.JOBSCTL_URL) return { url: env.JOBSCTL_URL, from: 'JOBSCTL_URL' }
  const config = await readConfig()
  if (env.JOBSCTL_PROFILE) return profilePlace(config, env.JOBSCTL_PROFILE, 'JOBSCTL_PROFILE')
  if (config.default) return profilePlace(config, config.default, 'config')
  if (env.BASE) return { url: env.BASE, from: 'BASE' }
  return { url: defaultUrl, from: 'default' }
}

function profileOf(config: Config, name: string, named: boolean) {
  const profile = Object.hasOwn(config.profiles, name) ? config.profiles[name] : undefined
  if (profile) return { ...profile, name, named }
  const known = Object.keys(config.profiles)
  throw new Failure('not_found', `there is no profile ${name}`, {
    hint: known.length > 0 ? `there are: ${known.join(', ')}` : `jobsctl config set profiles.${name}.url https://…`,
  })
}

function profilePlace(config: Config, name: string, source: string): Place {
  const profile = profileOf(config, name, source === '--profile')
  return { url: profile.url, from: `profile ${name} (${source})`, profile }
}

function checkedUrl({ url: text, from }: Place, allowHttp: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new Failure('usage', `${from}: must be a URL such as ${defaultUrl}`)
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new Failure('usage', `${from}: must be the server's root alone, without user, query or fragment`)
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && !allowHttp) {
    throw new Failure('usage', `${from}: plain http would show the key to the network between here and ${url.host}`, {
      hint: 'use https, or --allow-http where the network is yours',
    })
  }
  return rootOf(url)
}

/** The same server is the same text: no slash at the end makes another. */
function rootOf(text: string | URL): URL {
  const url = new URL(text)
  url.pathname = url.pathname.replace(/\/+$/, '')
  return url
}

/** Whether two addresses are those of one server. */
export const isSameRoot = (one: string, other: string): boolean =>
  one === other || (URL.canParse(one) && URL.canParse(other) && rootOf(one).href === rootOf(other).href)

const isLoopback = (host: string): boolean => host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host)

interface Secret {
  header: 'X-API-KEY' | 'Authorization'
  prefix: string
  source: SecretSource
}

const keyFrom = (source: SecretSource): Secret => ({ header: 'X-API-KEY', prefix: '', source })
const tokenFrom = (source: SecretSource): Secret => ({ header: 'Authorization', prefix: 'Bearer ', source })
const file = (path: string | undefined, from: string): SecretSource | undefined =>
  path ? { kind: 'file', path, from } : undefined
const command = (argv: readonly string[] | undefined, from: string): SecretSource | undefined =>
  argv && { kind: 'command', argv, from }
const value = (text: string | undefined, from: string): SecretSource | undefined =>
  text ? { kind: 'value', value: text, from } : undefined

function secretOf(flags: GlobalFlags, { env, home }: Io, place: Place): Secret | undefined {
  const key = file(flags.apiKeyFile, '--api-key-file')
  const token = file(flags.tokenFile, '--token-file')
  if (key && token) throw new Failure('usage', '--api-key-file and --token-file exclude each other')
  if (key) return keyFrom(key)
  if (token) return tokenFrom(token)

  if (place.from !== '--url' && place.profile) return secretOfProfile(place.profile, home)
  return secretOfEnvironment(env, place) ?? (place.from === 'BASE' ? secretOfBase(env) : undefined)
}

function secretOfProfile(profile: NonNullable<Target['profile']>, home = '~'): Secret | undefined {
  const atHome = (path: string | undefined) => path?.replace(/^~(?=\/)/, () => home) // no shell has read it
  const from = (field: string) => `profiles.${profile.name}.${field}`
  const key =
    file(atHome(profile.api_key_file), from('api_key_file')) ??
    command(profile.api_key_command, from('api_key_command'))
  const token =
    file(atHome(profile.token_file), from('token_file')) ?? command(profile.token_command, from('token_command'))
  return key ? keyFrom(key) : token && tokenFrom(token)
}

/** They belong to `JOBSCTL_URL`; where that is not set, to the one URL there is. */
function secretOfEnvironment(env: NodeJS.ProcessEnv, { url }: Place): Secret | undefined {
  if (env.JOBSCTL_URL && !isSameRoot(env.JOBSCTL_URL, url)) return undefined
  const key = file(env.JOBSCTL_API_KEY_FILE, 'JOBSCTL_API_KEY_FILE') ?? value(env.JOBSCTL_API_KEY, 'JOBSCTL_API_KEY')
  const token = file(env.JOBSCTL_TOKEN_FILE, 'JOBSCTL_TOKEN_FILE') ?? value(env.JOBSCTL_TOKEN, 'JOBSCTL_TOKEN')
  if (key && token) throw new Failure('usage', `${key.from} and ${token.from} exclude each other`)
  return key ? keyFrom(key) : token && tokenFrom(token)
}

function secretOfBase(env: NodeJS.ProcessEnv): Secret | undefined {
  const key = value(env.API_KEY, 'API_KEY')
  return key && keyFrom(key)
}

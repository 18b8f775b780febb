import { Failure } from '../../shared/errors.ts'
import { commandLine } from '../../shared/text/shell.ts'
import type { Io } from '../io.ts'
import type { Config, Profile } from './config.ts'
import type { DatabaseAddress } from './database-address.ts'
import type { GlobalFlags } from './settings.ts'

/** A profile with its name; `named` is true where `--profile` spells the name out. */
export type NamedProfile = Profile & { name: string; named: boolean }

/** The address of a server before it is checked, and the setting that gave the address. */
export interface ServerAddress {
  url: string
  from: string
  profile?: NamedProfile | undefined
  database?: never
}

/** The database of a command that has no server between. */
export interface NoServer {
  database: DatabaseAddress
  profile?: NamedProfile | undefined
}

export const defaultUrl = 'http://127.0.0.1:8787'

/**
 * The address by precedence: flag, `JOBSCTL_URL` or `JOBSCTL_DB_URL`, profile, `BASE`, default.
 * @throws Failure `not_found` for a profile that the config file does not have, `usage` for two targets in the environment
 */
export async function addressOf(
  flags: GlobalFlags,
  { env, home }: Pick<Io, 'env' | 'home'>,
  readConfig: () => Promise<Config>,
): Promise<ServerAddress | NoServer> {
  if (flags.db !== undefined || env.JOBSCTL_DB_URL) {
    const { databaseAddressOf } = await import('./database-address.ts')
    return { database: databaseAddressOf(flags, env) }
  }
  if (flags.url !== undefined) {
    // A profile beside --url still bounds and protects the change; the profile's key goes to the profile's URL alone.
    const name = flags.profile ?? (env.JOBSCTL_PROFILE || undefined)
    const profile = name === undefined ? undefined : profileOf(await readConfig(), name, flags.profile !== undefined)
    return { url: flags.url, from: '--url', profile }
  }
  if (flags.profile !== undefined) return addressOfProfile(await readConfig(), flags.profile, '--profile', home)
  if (env.JOBSCTL_URL && env.JOBSCTL_PROFILE) throw await twoTargets(env.JOBSCTL_PROFILE, readConfig)
  if (env.JOBSCTL_URL) return { url: env.JOBSCTL_URL, from: 'JOBSCTL_URL' }
  const config = await readConfig()
  if (env.JOBSCTL_PROFILE) return addressOfProfile(config, env.JOBSCTL_PROFILE, 'JOBSCTL_PROFILE', home)
  if (config.default) return addressOfProfile(config, config.default, 'config', home)
  if (env.BASE) return { url: env.BASE, from: 'BASE' }
  return { url: defaultUrl, from: 'default' }
}

/** A URL beside a profile would drop the profile's `protected` and `max` without a word. */
async function twoTargets(name: string, readConfig: () => Promise<Config>): Promise<Failure> {
  profileOf(await readConfig(), name, false)
  return new Failure('usage', 'JOBSCTL_PROFILE and JOBSCTL_URL exclude each other; nothing was sent', {
    hint: `unset JOBSCTL_URL to use the profile ${name}, or unset JOBSCTL_PROFILE to use the URL`,
  })
}

function profileOf(config: Config, name: string, named: boolean): NamedProfile {
  const profile = Object.hasOwn(config.profiles, name) ? config.profiles[name] : undefined
  if (profile) return { ...profile, name, named }
  const known = Object.keys(config.profiles)
  throw new Failure('not_found', `there is no profile ${name}`, {
    hint:
      known.length > 0
        ? `the profiles are: ${known.join(', ')}`
        : `${commandLine(['jobsctl', 'config', 'set', `profiles.${name}.url`])} https://…`,
  })
}

async function addressOfProfile(
  config: Config,
  name: string,
  source: string,
  home: string | undefined,
): Promise<ServerAddress | NoServer> {
  const profile = profileOf(config, name, source === '--profile')
  if (profile.url === undefined) {
    const { databaseOfProfile } = await import('./database-address.ts')
    return { database: databaseOfProfile(profile, name, home), profile }
  }
  return { url: profile.url, from: `profile ${name} (${source})`, profile }
}

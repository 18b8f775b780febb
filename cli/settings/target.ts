import type { Io } from '../io.ts'
import type { Config } from './config.ts'
import { type Credential, credentialOf } from './credential.ts'
import type { HttpProxy } from './proxy.ts'
import { readSecret } from './secret.ts'
import { addressOf, type NamedProfile, type NoServer, type ServerAddress } from './server-address.ts'
import { checkedUrl } from './server-url.ts'
import type { GlobalFlags } from './settings.ts'

/** The server that calls go to, and the credential they carry. */
export interface Target {
  url: URL
  /** What errors call it: the origin of the URL, or the database without a server between. */
  name: string
  /** The socket of a server that this command has started for itself. */
  socketPath?: string | undefined
  /** Where the default is the target: what else names one. */
  otherWay?: string | undefined
  /** The setting that gave the URL, for doctor and for errors. */
  from: string
  credential: { header: Credential['header']; value: string } | undefined
  /** The setting that gave the credential. */
  credentialFrom: string | undefined
  profile: NamedProfile | undefined
  /** The certificates of the profile's `ca_file`, in PEM. */
  ca?: string | undefined
  /** The proxy that calls go through. */
  proxy?: HttpProxy | undefined
}

interface Reading {
  /** Opens a database without a server between. */
  open: (address: NoServer) => Promise<Target>
  readConfig: () => Promise<Config>
  /** The most milliseconds that a file with a secret may take. */
  timeoutMs: number
}

/**
 * The target by precedence: flag, `JOBSCTL_*`, profile, `BASE`, default. A key goes to the URL it
 * belongs to and to no other: a profile's key to the profile's URL, `API_KEY` to `BASE`, and the
 * `JOBSCTL_*` ones to `JOBSCTL_URL` where that is set.
 * @throws Failure `usage` or `not_found`
 */
export async function readTarget(
  flags: GlobalFlags,
  io: Io,
  { readConfig, open, timeoutMs }: Reading,
): Promise<Target> {
  const address = await addressOf(flags, io, readConfig)
  if (address.database) return open(address)
  const url = checkedUrl(address, flags.allowHttp ?? false)
  const found = credentialOf(flags, io, address)
  if (found?.source.kind === 'command') {
    const { configPath, refuseWritable } = await import('./config-file.ts')
    const path = configPath(io)
    if (path !== undefined) await refuseWritable(path, found.source.from)
  }
  const credential = found && {
    header: found.header,
    value: found.prefix + (await readSecret(found.source, io, timeoutMs)),
  }
  const ca = await certificatesOf(address, io, timeoutMs)
  const proxy = url.protocol === 'https:' ? (await import('./proxy.ts')).proxyFor(url, io.env) : undefined
  const isDefault = address.from === 'default' && Boolean(io.env.DATABASE_URL)
  return {
    url,
    name: url.origin,
    otherWay: isDefault ? 'with no server, --db env:DATABASE_URL reads that database' : undefined,
    ca,
    proxy,
    from: address.from,
    credential,
    credentialFrom: found?.source.from,
    profile: address.profile,
  }
}

/** The `ca_file` of the profile, where its URL is used. */
async function certificatesOf({ from, profile }: ServerAddress, { home = '~', signal }: Io, timeoutMs: number) {
  if (profile?.ca_file === undefined || from === '--url') return undefined
  const path = profile.ca_file.replace(/^~(?=\/)/, () => home)
  const { readText } = await import('./text-file.ts')
  return readText(path, { from: `profiles.${profile.name}.ca_file`, signal, timeoutMs })
}

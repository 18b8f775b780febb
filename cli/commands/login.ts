import { Failure } from '../../shared/errors.ts'
import type { CommandSpec, Context } from '../context.ts'
import { interrupted } from '../io.ts'
import type { Config } from '../settings/config.ts'
import type { Server } from './login/check-secret.ts'

export const login: CommandSpec = {
  name: 'login',
  group: 'SETUP',
  summary: 'keep the key of a server in a profile',
  about:
    'Asks for the key or the token of a server, without showing it, or reads it from stdin. Checks it against the server, and writes it to a file for its owner alone and a profile to the config file.',
  examples: [
    'jobsctl login https://jobs.example.com',
    'jobsctl login https://jobs.example.com --profile prod',
    'pass jobs/prod | jobsctl login https://jobs.example.com --profile prod',
  ],
  operands: '[url]',
  flags: [],
  async run(context, _flags, [word]) {
    refuseFlags(context)
    const { path, config } = await configOf(context)
    const { url, from } = await addressOf(context, word, config)
    const name = nameOf(context, url)
    const root = url.href.replace(/\/$/, '')
    await confirmReplacement(context, { name, url, config })
    const { checkSecret, kindsOf } = await import('./login/check-secret.ts')
    const { writeLogin } = await import('./login/write-login.ts')
    const server: Server = { url, ca: await certificatesOf(context, config, name) }
    const kinds = await kindsOf(context, server)
    const secret = await secretOf(context, `The ${kinds.join(' or ')} of ${root} (${from}): `)
    const kind = await checkSecret(context, server, { secret, kinds })
    const { file, isDefault } = await writeLogin({ path, config, name, url: root, kind, secret })
    const use = isDefault ? 'the default profile' : `--profile ${name}`
    const json = { operation: 'login', profile: name, url: root, [`${kind}_file`]: file, default: isDefault }
    context.print.sentence(json, `The ${kind} of ${root} is in ${file}, and ${use} uses it.`, 'done')
    return 'ok'
  },
}

function refuseFlags({ flags, settings }: Context): void {
  const given = {
    '--curl': settings.curl,
    '--dry-run': settings.dryRun,
    '--api-key-file': flags.apiKeyFile,
    '--token-file': flags.tokenFile,
    '--db': flags.db,
  }
  const flag = Object.entries(given).find(([, value]) => value)?.[0]
  if (flag === undefined) return
  throw new Failure('usage', `${flag}: login takes a key from the terminal or from stdin; nothing was written`, {
    hint: 'jobsctl login --help',
  })
}

async function configOf({ io }: Context): Promise<{ path: string; config: Config }> {
  const { configPath, readConfig } = await import('../settings/config-file.ts')
  const path = configPath(io)
  if (path !== undefined) return { path, config: await readConfig(path) }
  throw new Failure('usage', 'there is no place for a config file: no home folder is known', {
    hint: 'set HOME or XDG_CONFIG_HOME to an absolute path',
  })
}

/** The address of the command line, else that of the profile, the environment or the default. */
async function addressOf({ flags, io }: Context, word: string | undefined, config: Config) {
  const { addressOf: placeOf } = await import('../settings/server-address.ts')
  const { checkedUrl } = await import('../settings/server-url.ts')
  if (word !== undefined && flags.url !== undefined) throw new Failure('usage', '<url> and --url exclude each other')
  const text = word ?? flags.url
  const place = text === undefined ? await placeOf(flags, io, async () => config) : { url: text, from: '<url>' }
  if ('database' in place && place.database) throw noServer(place.database.source.from)
  return { url: checkedUrl(place, flags.allowHttp ?? false), from: place.from }
}

const noServer = (from: string): Failure =>
  new Failure('usage', `login is for a server, and ${from} names a database; nothing was written`, {
    hint: 'name the server: jobsctl login https://jobs.example.com',
  })

/** `--profile`, or the host. */
function nameOf({ flags }: Context, url: URL): string {
  const name = flags.profile ?? url.hostname.replace(/^\[|\]$/g, '')
  if (/^[^\p{Cc}-][^\p{Cc}]{0,127}$/u.test(name) && name !== '__proto__') return name
  throw new Failure('usage', '--profile: must be a name of 1 to 128 characters without control characters')
}

/** Asks before a profile of another server is replaced; a new key for the same server replaces the old one. */
async function confirmReplacement(
  { io, settings }: Context,
  { name, url, config }: { name: string; url: URL; config: Config },
): Promise<void> {
  const { isSameRoot } = await import('../settings/server-url.ts')
  const profile = Object.hasOwn(config.profiles, name) ? config.profiles[name] : undefined
  if (profile === undefined || isSameRoot(profile.url ?? '', url.href) || settings.yes) return
  const about = `the profile ${name} is for ${profile.url ?? 'a database'}`
  if (!settings.interactive) {
    throw new Failure('confirmation_required', `${about}; nothing was written`, {
      hint: 'name another profile with --profile, or add --yes',
    })
  }
  const answer = await io.ask(`${about}. Type ${name} to replace it: `)
  if (io.signal.aborted) throw interrupted(io.signal, '; nothing was written')
  if (answer?.trim() !== name) throw new Failure('confirmation_required', 'not confirmed; nothing was written')
}

/** The `ca_file` of the profile that is logged in again. */
async function certificatesOf({ io, settings }: Context, config: Config, name: string): Promise<string | undefined> {
  const profile = Object.hasOwn(config.profiles, name) ? config.profiles[name] : undefined
  if (profile?.ca_file === undefined) return undefined
  const { readText } = await import('../settings/text-file.ts')
  const path = profile.ca_file.replace(/^~(?=\/)/, () => io.home ?? '~')
  return readText(path, { from: `profiles.${name}.ca_file`, signal: io.signal, timeoutMs: settings.timeoutMs })
}

async function secretOf({ io, settings }: Context, question: string): Promise<string> {
  if (!settings.interactive && io.interactive) {
    throw new Failure('usage', 'login may not ask; nothing was written', {
      hint: 'give the key on stdin: jobsctl login < file',
    })
  }
  const given = settings.interactive ? await io.askSecret(question) : await io.readStdin()
  if (io.signal.aborted) throw interrupted(io.signal, '; nothing was written')
  const secret = given?.trim() ?? ''
  if (/^[\x21-\x7e]{1,4096}$/.test(secret)) return secret
  throw new Failure(
    'usage',
    secret === ''
      ? 'there is no key; nothing was written'
      : 'a key is one line of printable ASCII without spaces; nothing was written',
  )
}

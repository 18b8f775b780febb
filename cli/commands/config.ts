import { Failure } from '../../shared/errors.ts'
import type { CommandSpec, Context } from '../context.ts'
import type { Ending } from '../output/print.ts'
import type { Column } from '../output/table.ts'
import type { Config } from '../settings/config.ts'

interface ConfigFlags {
  like?: string
}

const words = ['list', 'get', 'set', 'unset', 'path', 'profiles', 'add-databases']

export const config: CommandSpec<ConfigFlags> = {
  name: 'config',
  group: 'SETUP',
  summary: 'list, get, set or unset settings; print the path, or the profiles',
  about:
    'Reads and writes the config file: the default profile, the names of the fleet, and for each profile its url, key source, max and protected. add-databases looks at the databases of the cluster that --db names, and writes a profile <prefix>-<database> for each that has a queue; it makes nothing in them, and a profile that is there stays.',
  examples: [
    'jobsctl config set profiles.prod.url https://jobs.example.com',
    'jobsctl config set profiles.prod.api_key_file ~/.jobs-prod-key',
    `jobsctl config set profiles.prod.api_key_command '["pass","jobs/prod"]'`,
    'jobsctl config set default prod',
    'jobsctl config unset profiles.prod.max',
    "jobsctl config profiles 'prod-*'",
    "jobsctl config add-databases prod --db service=eu --like 'app_%'",
  ],
  operands: `<${words.join('|')}> [key] [value]`,
  flags: [
    {
      flags: '--like <pattern>',
      about: 'with add-databases: databases with such names; % is any text, _ one character',
      group: 'HOW',
    },
  ],
  async rows([word]) {
    if (word === 'list') return columns
    if (word === 'profiles') return profileColumns
    if (word === 'add-databases') return (await import('./config/add-databases.ts')).columns
    return undefined
  },
  async run(context, { like }, [action = '', key, value]) {
    if (like !== undefined && action !== 'add-databases')
      throw new Failure('usage', `--like does not go with config ${action}; nothing was written`)
    const { configPath, readConfig } = await import('../settings/config-file.ts')
    const path = configPath(context.io)
    if (path === undefined) {
      throw new Failure('usage', 'there is no place for a config file: no home folder is known', {
        hint: 'set HOME or XDG_CONFIG_HOME to an absolute path',
      })
    }
    if (action === 'path') return line(context, { path }, path)
    if (action === 'list') return list(context, await readConfig(path))
    if (action === 'get') return get(context, await readConfig(path), needed(key, 'get <key>'))
    if (action === 'set')
      return set(context, path, needed(key, 'set <key> <value>'), needed(value, 'set <key> <value>'))
    if (action === 'unset') return unset(context, path, needed(key, 'unset <key>'))
    if (action === 'profiles') return listProfiles(context, await readConfig(path), key)
    if (action === 'add-databases') {
      if (value !== undefined) throw new Failure('usage', `config add-databases takes one word; nothing was written`)
      const { addDatabases } = await import('./config/add-databases.ts')
      return addDatabases(context, { path, prefix: needed(key, 'add-databases <prefix> --db <database>'), like })
    }
    throw new Failure('usage', `config: ${action || 'the action'} is not one of ${words.join(', ')}`)
  },
}

function needed(word: string | undefined, usage: string): string {
  if (word) return word
  throw new Failure('usage', 'a key or a value is missing', { hint: `jobsctl config ${usage}` })
}

function line({ print }: Context, json: object, text: string): Ending {
  print.sentence(json, text, 'plain')
  return 'ok'
}

/** `{a: {b: 1}}` as `[['a.b', '1']]`. */
const flattened = (value: unknown, path: string[] = []): [string, string][] =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([name, inner]) => flattened(inner, [...path, name]))
    : [[path.join('.'), typeof value === 'string' ? value : JSON.stringify(value)]]

const columns: Column<[string, string]>[] = [
  { title: 'key', value: ([key]) => key },
  { title: 'value', value: ([, value]) => value },
]

function list({ print }: Context, config: object): Ending {
  print.rows({
    columns,
    rows: flattened(config).filter(([key]) => key !== '' && key !== 'profiles'),
    json: config,
    empty: 'nothing is set',
  })
  return 'ok'
}

const profileColumns: Column<string>[] = [{ title: 'profile', value: (name) => name }]

/** The names of the profiles, a line each, for a loop over them. */
async function listProfiles({ print }: Context, config: Config, pattern: string | undefined): Promise<Ending> {
  const { membersOf } = await import('../fleet/members.ts')
  const rows = pattern === undefined ? Object.keys(config.profiles).sort() : membersOf(config, pattern)
  print.rows({ columns: profileColumns, rows, json: rows, empty: 'there is no profile' })
  return 'ok'
}

async function get(context: Context, config: object, key: string): Promise<Ending> {
  const found = flattened(config).filter(([name]) => name === key || name.startsWith(`${key}.`))
  if (found.length === 0) {
    throw new Failure('not_found', `${key} is not set`, { hint: 'jobsctl config list shows what is' })
  }
  const lines = found.map(([name, value]) => (name === key ? value : `${name}\t${value}`))
  return line(context, Object.fromEntries(found), lines.join('\n'))
}

async function set(context: Context, path: string, key: string, value: string): Promise<Ending> {
  const { checkedSetting } = await import('../settings/config.ts')
  const { readConfig, writeConfig } = await import('../settings/config-file.ts')
  const current = await readConfig(path)
  const replaced = replacedBy(key).filter((other) => flattened(current).some(([name]) => name === other))
  const isTop = key === 'default' || key === 'fleet'
  const next = isTop ? { ...current, [key]: value } : withProfileSetting(current, key, value)
  await writeConfig(path, checkedSetting(next, key.endsWith('.db') ? key : `${key} ${value}`))
  const instead = replaced.length > 0 ? `, in place of ${replaced.join(', ')}` : ''
  const json = { path, [key]: value, ...(replaced.length > 0 && { replaced }) }
  return line(context, json, `set ${key} in ${path}${instead}`)
}

/** Removes a setting, or a profile with all its settings. */
async function unset(context: Context, path: string, key: string): Promise<Ending> {
  const { checkedSetting } = await import('../settings/config.ts')
  const { readConfig, writeConfig } = await import('../settings/config-file.ts')
  const current = await readConfig(path)
  if (!flattened(current).some(([name]) => name === key || name.startsWith(`${key}.`))) {
    throw new Failure('not_found', `${key} is not set; nothing was written`, { hint: 'jobsctl config list' })
  }
  await writeConfig(path, checkedSetting(without(current, key), `unset ${key}`))
  return line(context, { path, unset: key }, `unset ${key} in ${path}`)
}

/** The config without `default`, `fleet`, a profile, or one field of a profile. */
function without({ profiles, ...top }: Config, key: string): unknown {
  const others = Object.fromEntries(Object.entries(top).filter(([name]) => name !== key))
  const kept = Object.entries(profiles).flatMap(([name, profile]) => {
    const prefix = `profiles.${name}`
    if (key === prefix) return []
    const fields = Object.entries(profile).filter(([field]) => key !== `${prefix}.${field}`)
    return [[name, Object.fromEntries(fields)] as const]
  })
  return { ...others, profiles: Object.fromEntries(kept) }
}

const keys = ['api_key_file', 'api_key_command', 'token_file', 'token_command']
const databases = ['db', 'db_file', 'db_command']

/** The settings that a new one replaces: a profile has one source of a key at most, and either a server or a database. */
function replacedBy(key: string): string[] {
  const [profile, field = ''] = key.split(/\.(?=[^.]*$)/)
  const replaced = () => {
    if (keys.includes(field)) return [...keys, ...databases]
    if (databases.includes(field)) return [...databases, 'url', ...keys, 'ca_file']
    return field === 'url' ? databases : []
  }
  return replaced()
    .filter((name) => name !== field)
    .map((name) => `${profile}.${name}`)
}

function withProfileSetting(current: { profiles: Record<string, object> }, key: string, value: string) {
  const [, name = '', field = ''] = /^profiles\.(.+)\.([^.]+)$/.exec(key) ?? []
  if (!field || key.includes('__proto__')) {
    throw new Failure('usage', `${key} is not a setting`, {
      hint: 'settings are default, fleet and profiles.<name>.<field>: jobsctl config set profiles.prod.url https://jobs.example.com',
    })
  }
  const own = Object.hasOwn(current.profiles, name) ? current.profiles[name] : {}
  const kept = Object.entries(own ?? {}).filter(([other]) => !replacedBy(key).includes(`profiles.${name}.${other}`))
  const profile = { ...Object.fromEntries(kept), [field]: typed(field, value) }
  return { ...current, profiles: { ...current.profiles, [name]: profile } }
}

/** Examples of the fields whose values are JSON; every other field is text. */
const samples = new Map([
  ['max', '10000'],
  ['protected', 'true'],
])

function typed(field: string, value: string): unknown {
  if (field !== 'max' && field !== 'protected' && !field.endsWith('_command')) return value
  try {
    return JSON.parse(value)
  } catch {
    throw new Failure('usage', `${field}: must be JSON`, {
      hint: `such as ${samples.get(field) ?? '\'["pass","jobs"]\''}`,
    })
  }
}

import { Failure } from '../../shared/errors.ts'
import type { Io } from '../io.ts'
import type { Profile } from './config.ts'
import { hasPassword } from './has-password.ts'
import { readSourceText, type SecretSource } from './secret.ts'
import type { GlobalFlags } from './settings.ts'

/** The database that a command works on without a server, and the setting that gave it. */
export interface DatabaseAddress {
  source: SecretSource
  /** True where the text stands where others can read it: in the list of processes, or in a config file. It has no password then. */
  isOpen: boolean
}

const value = (text: string, from: string, isOpen: boolean): DatabaseAddress => ({
  source: { kind: 'value', value: text, from },
  isOpen,
})

/**
 * The database of `--db` or `JOBSCTL_DB_URL`.
 * @throws Failure `usage` beside a flag or a variable that names a server
 */
export function databaseAddressOf(flags: GlobalFlags, env: NodeJS.ProcessEnv): DatabaseAddress {
  const from = flags.db !== undefined ? '--db' : 'JOBSCTL_DB_URL'
  const text = flags.db ?? env.JOBSCTL_DB_URL ?? ''
  const others = {
    '--url': flags.url,
    '--profile': flags.profile,
    JOBSCTL_URL: env.JOBSCTL_URL,
    JOBSCTL_PROFILE: env.JOBSCTL_PROFILE,
  }
  const other = Object.entries(others).find(([, given]) => given)?.[0]
  if (other !== undefined)
    throw new Failure('usage', `${from} and ${other} exclude each other; nothing was sent`, {
      hint: `${from} works on the database itself, ${other} goes to a server: leave one of them out`,
    })
  refuseKeys(flags, from)
  return value(text, from, flags.db !== undefined)
}

/** The database of a profile that has no URL. */
export function databaseOfProfile({ db, db_file, db_command }: Profile, name: string, home = '~'): DatabaseAddress {
  const from = (field: string) => `profiles.${name}.${field}`
  if (db !== undefined) return value(db, from('db'), true)
  if (db_file !== undefined) {
    const path = db_file.replace(/^~(?=\/)/, () => home)
    return { source: { kind: 'file', path, from: from('db_file') }, isOpen: false }
  }
  return { source: { kind: 'command', argv: db_command ?? [], from: from('db_command') }, isOpen: false }
}

function refuseKeys(flags: GlobalFlags, from: string): void {
  const flag = flags.apiKeyFile !== undefined ? '--api-key-file' : flags.tokenFile !== undefined ? '--token-file' : ''
  if (flag === '') return
  throw new Failure('usage', `${flag} and ${from} exclude each other: no server is between that takes a key`, {
    hint: 'the password of the database comes from PGPASSWORD or ~/.pgpass, or stands in the URL of JOBSCTL_DB_URL',
  })
}

/**
 * The connection string of an address.
 * @throws Failure `usage` for one that is blank or cannot be read, and for a password where others can read it; no value is in the error
 */
export async function conninfoOf({ source, isOpen }: DatabaseAddress, io: Io, timeoutMs: number): Promise<string> {
  if (source.kind === 'command') {
    const { configPath, refuseWritable } = await import('./config-file.ts')
    const path = configPath(io)
    if (path !== undefined) await refuseWritable(path, source.from)
  }
  const text = await readSourceText(source, io, timeoutMs)
  const variable = isOpen ? /^env:(.*)$/s.exec(text)?.[1] : undefined
  if (variable !== undefined) return ofVariable(variable, source.from, io)
  if (isOpen) refusePassword(text, source.from)
  return text
}

function ofVariable(name: string, from: string, { env }: Io): string {
  if (!/^\w+$/.test(name)) throw new Failure('usage', `${from}: env: needs the name of a variable, as env:DATABASE_URL`)
  const text = env[name]?.trim()
  if (text) return text
  throw new Failure('usage', `${from}: the variable ${name} is not set; nothing was connected`)
}

function refusePassword(text: string, from: string): void {
  if (!hasPassword(text)) return
  const readers = from === '--db' ? 'every user of this machine sees in the list of processes' : 'the config file shows'
  throw new Failure('usage', `${from}: has a password, which ${readers}; nothing was connected`, {
    hint: 'leave it out: it comes from PGPASSWORD or ~/.pgpass; a URL with a password stands in a variable: JOBSCTL_DB_URL, or --db env:NAME',
  })
}

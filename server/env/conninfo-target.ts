import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { ConninfoError, parseConninfo } from '../../shared/conninfo.ts'
import { systemErrorText } from '../log/system-error.ts'
import { inHome } from './in-home.ts'
import { passwordOfFile } from './passfile.ts'
import { readService } from './service-file.ts'

/** One of the hosts that are tried in turn. */
export interface Host {
  /** The name or the address as the operator wrote it; the folder of a socket begins with a slash. */
  name: string
  /** The address in place of that of the name (`hostaddr`). */
  address: string | undefined
  port: number
  /** The path of the Unix socket; undefined for TCP. */
  socket: string | undefined
}

const tlsModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
type TlsMode = (typeof tlsModes)[number]

/** How a connection is encrypted. */
export interface Tls {
  mode: TlsMode
  /** Without asking for TLS in the protocol of PostgreSQL first (`sslnegotiation=direct`, PostgreSQL 17). */
  isDirect: boolean
  /** Certificates of authorities; undefined for those of Node. */
  ca: string | undefined
  cert: string | undefined
  key: string | undefined
  passphrase: string | undefined
}

/** Where a database is, and how it is reached. */
export interface Target {
  hosts: Host[]
  tls: Tls
  /** Seconds; 0 for no limit. */
  connectTimeout: number
  /** Seconds between probes of an idle connection; 0 for none. */
  keepAlive: number
  user: string | undefined
  /** The one of the connection string, of its service or of the password file; undefined where PGPASSWORD or nothing has one. */
  password: string | undefined
  database: string | undefined
  sessionAttributes: 'read-write' | 'primary' | undefined
  /** Parameters of the session that PostgreSQL gets as they are. */
  startup: Record<string, string>
}

/** Parameters with their variables in the environment of libpq. The driver itself reads PGPASSWORD. */
const variables: Readonly<Record<string, string>> = {
  host: 'PGHOST',
  hostaddr: 'PGHOSTADDR',
  port: 'PGPORT',
  dbname: 'PGDATABASE',
  user: 'PGUSER',
  options: 'PGOPTIONS',
  application_name: 'PGAPPNAME',
  passfile: 'PGPASSFILE',
  sslnegotiation: 'PGSSLNEGOTIATION',
  sslcrl: 'PGSSLCRL',
  sslcrldir: 'PGSSLCRLDIR',
  require_auth: 'PGREQUIREAUTH',
  channel_binding: 'PGCHANNELBINDING',
  gssencmode: 'PGGSSENCMODE',
  load_balance_hosts: 'PGLOADBALANCEHOSTS',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  target_session_attrs: 'PGTARGETSESSIONATTRS',
}

/** Parameters whose other values ask for what the driver has not. */
const onlyThese: Readonly<Record<string, readonly string[]>> = {
  sslmode: tlsModes,
  sslnegotiation: ['postgres', 'direct'],
  // A server writes, so it has no use for a standby.
  target_session_attrs: ['any', 'read-write', 'primary'],
  client_encoding: ['utf8', 'UTF8', 'utf-8', 'UTF-8', 'auto'],
  gssencmode: ['disable', 'prefer'],
  channel_binding: ['disable', 'prefer'],
  load_balance_hosts: ['disable'],
  replication: ['false', 'off', 'no', '0'],
  sslcompression: ['0'],
  keepalives: ['0', '1'],
}

const taken = [
  ...['host', 'hostaddr', 'port', 'dbname', 'user', 'password', 'connect_timeout', 'options', 'application_name'],
  ...['fallback_application_name', 'keepalives_idle', 'sslrootcert', 'sslcert', 'sslkey', 'sslpassword'],
  ...['service', 'passfile'],
  // No parameter of libpq, but versions before took it, and it decides in which schema the tables are.
  ...['search_path'],
]

/**
 * Reads a connection string as psql does. Files that it names are read at once, so that one that is missing is told at the start.
 * @param environment where libpq's variables are looked up, such as PGHOST
 * @throws ConninfoError that names the parameter, and repeats no value
 */
export function readTarget(text: string, environment: Readonly<Record<string, string | undefined>>): Target {
  const given = withService(parseConninfo(text), environment)
  for (const [name, value] of given) refuseUnknown(name, value)
  const value = (name: string): string | undefined => {
    const variable = variables[name]
    return given.get(name) || (variable && environment[variable]) || undefined
  }
  for (const name of Object.keys(variables)) {
    const known = value(name)
    if (known !== undefined) refuseUnknown(name, known)
  }
  const attributes = value('target_session_attrs')
  const application = value('application_name') || given.get('fallback_application_name')
  const options = value('options')
  const hosts = hostsOf(value)
  return {
    hosts,
    tls: tlsOf(value),
    connectTimeout: wholeNumber('connect_timeout', value('connect_timeout')) ?? 5,
    keepAlive: given.get('keepalives') === '0' ? 0 : wholeNumber('keepalives_idle', value('keepalives_idle')) || 60,
    user: value('user'),
    password: value('password') ?? (environment.PGPASSWORD ? undefined : passwordOf(hosts, value)),
    database: value('dbname'),
    sessionAttributes: attributes === 'read-write' || attributes === 'primary' ? attributes : undefined,
    startup: {
      ...(application && { application_name: application }),
      ...(options && { options }),
      ...startupOf(given, ['search_path']),
    },
  }
}

/** What a connection string says, with what its service says beside it. */
function withService(
  given: Map<string, string>,
  environment: Readonly<Record<string, string | undefined>>,
): Map<string, string> {
  const service = given.get('service') || environment.PGSERVICE
  if (!service) return given
  const filled = [...given].filter(([, value]) => value !== '')
  return new Map([...readService(service, environment), ...filled])
}

function passwordOf(hosts: readonly Host[], value: Value): string | undefined {
  const user = value('user') ?? systemUser()
  return passwordOfFile(value('passfile'), { hosts, database: value('dbname') ?? user, user })
}

/** The user of a process in a container may have no name. */
function systemUser(): string {
  try {
    return userInfo().username
  } catch {
    return ''
  }
}

/** Why a text is no connection string that this server takes, as a clause; undefined for one that is. */
export function conninfoFault(text: string): string | undefined {
  try {
    const { PGSERVICEFILE, PGSYSCONFDIR } = process.env
    readTarget(text, { PGSERVICEFILE, PGSYSCONFDIR })
    return undefined
  } catch (error) {
    if (error instanceof ConninfoError) return error.message
    throw error
  }
}

const startupOf = (given: ReadonlyMap<string, string>, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.flatMap((name) => (given.get(name) ? [[name, given.get(name) ?? '']] : [])))

function refuseUnknown(name: string, value: string): void {
  const allowed = onlyThese[name]
  if (allowed) {
    if (value !== '' && !allowed.includes(value))
      throw new ConninfoError(`has ${name} with a value that this server does not take: ${allowed.join(', ')}`)
  } else if (!taken.includes(name)) {
    const shown = /^[a-z_]{1,40}$/.test(name) ? ` ${name}` : ''
    throw new ConninfoError(`has the parameter${shown || ' (its name is odd)'}, which this server does not take`)
  }
}

type Value = (name: string) => string | undefined

function hostsOf(value: Value): Host[] {
  const [names, addresses, ports] = ['host', 'hostaddr', 'port'].map((name) => value(name)?.split(',') ?? [])
  const count = Math.max(names?.length ?? 0, addresses?.length ?? 0, 1)
  if (names?.length && addresses?.length && names.length !== addresses.length)
    throw new ConninfoError('has another number of host than of hostaddr')
  if (ports && ports.length > 1 && ports.length !== count)
    throw new ConninfoError('has another number of ports than of hosts')
  return Array.from({ length: count }, (_, at): Host => {
    const address = addresses?.[at] || undefined
    const name = names?.[at] || address || 'localhost'
    const port = portOf((ports?.length === 1 ? ports[0] : ports?.[at]) || '5432')
    if (name.startsWith('@')) throw new ConninfoError('has an abstract socket as host, which this server does not take')
    const isSocket = name.startsWith('/') && address === undefined
    return { name, address, port, socket: isSocket ? `${name}/.s.PGSQL.${port}` : undefined }
  })
}

function portOf(text: string): number {
  const port = /^\s*\d{1,5}\s*$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65_535) throw new ConninfoError('has a port that is not a number from 1 to 65535')
  return port
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\s*-?\d{1,9}\s*$/.test(text)) throw new ConninfoError(`has ${name} that is no whole number`)
  return Math.max(0, Number(text))
}

/** The certificates of authorities that come with the system, as libpq names them. */
const ofSystem = 'system'

function tlsOf(value: Value): Tls {
  const root = value('sslrootcert')
  const mode = tlsModes.find((known) => known === value('sslmode')) ?? (root === ofSystem ? 'verify-full' : 'prefer')
  if (root === ofSystem && mode !== 'verify-full')
    throw new ConninfoError('has sslrootcert=system, which needs sslmode=verify-full')
  const isDirect = value('sslnegotiation') === 'direct'
  if (isDirect && !['require', 'verify-ca', 'verify-full'].includes(mode))
    throw new ConninfoError('has sslnegotiation=direct, which needs sslmode=require, verify-ca or verify-full')
  const isUsed = mode !== 'disable'
  const ofHome = root === undefined && isUsed ? inHome('.postgresql', 'root.crt') : undefined
  const own = ofHome === undefined ? undefined : textOf(ofHome)
  return {
    mode,
    isDirect,
    ca: root === undefined || root === ofSystem || !isUsed ? own : fileText('sslrootcert', root),
    cert: isUsed ? fileText('sslcert', value('sslcert')) : undefined,
    key: isUsed ? fileText('sslkey', value('sslkey')) : undefined,
    passphrase: value('sslpassword'),
  }
}

function fileText(name: string, file: string): string
function fileText(name: string, file: string | undefined): string | undefined
function fileText(name: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConninfoError(`has ${name} with a file that cannot be read: ${systemErrorText(error)}`)
  }
}

/** Undefined for a file that is not there. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

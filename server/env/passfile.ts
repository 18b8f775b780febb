import { readFileSync, statSync } from 'node:fs'
import { inHome } from './in-home.ts'

/** What a line of a password file must fit. */
interface Sought {
  /** Each host as its name or address and its port; a socket as its folder. */
  hosts: readonly { name: string; port: number }[]
  database: string
  user: string
}

/**
 * The password of a password file, as libpq finds it: the file is the parameter `passfile`, else `PGPASSFILE`, else `~/.pgpass`. As with
 * libpq, a file that others can read counts as none.
 * @returns undefined where there is no file, or no line of it fits
 */
export function passwordOfFile(file: string | undefined, sought: Sought): string | undefined {
  const text = privateText(file || inHome('.pgpass'))
  const lines = text?.split('\n').map((line) => fieldsOf(line.replace(/\r$/, ''))) ?? []
  for (const { name, port } of sought.hosts) {
    const wanted = [hostOf(name), String(port), sought.database, sought.user]
    const found = lines.find((fields) => wanted.every((value, at) => fields[at] === '*' || plain(fields[at]) === value))
    if (found?.[4]) return plain(found[4])
  }
  return undefined
}

/** The usual folders of sockets stand for localhost, as the folder that libpq was built with does. */
const usualFolders = ['/var/run/postgresql', '/run/postgresql', '/tmp']

const hostOf = (name: string): string => (usualFolders.includes(name) ? 'localhost' : name)

function privateText(path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  try {
    const file = statSync(path)
    const isPrivate = process.platform === 'win32' || (file.mode & 0o077) === 0
    return file.isFile() && isPrivate ? readFileSync(path, 'utf8') : undefined
  } catch {
    return undefined
  }
}

/** `host:port:database:user:password`, in which a backslash takes the colon or backslash behind it as it is. The password may have colons. */
function fieldsOf(line: string): string[] {
  if (line.startsWith('#')) return []
  const [, ...fields] =
    /^((?:\\.|[^:\\])*):((?:\\.|[^:\\])*):((?:\\.|[^:\\])*):((?:\\.|[^:\\])*):(.*)$/.exec(line) ?? []
  return fields
}

const plain = (field = ''): string => field.replaceAll(/\\(.)/g, '$1')

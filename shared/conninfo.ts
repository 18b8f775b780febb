/**
 * A connection string of libpq, taken apart by its rules: https://www.postgresql.org/docs/current/libpq-connect.html. A package that
 * is kept well, pg-connection-string, reads neither key words nor several hosts, and takes parameters that it does not know.
 * @param text `postgres://…` or `postgresql://…`, or key words such as `host=db dbname='my jobs'`
 * @returns parameters by their names; what is given twice has its last value
 * @throws ConninfoError that repeats no value, since it may be the password
 */
export function parseConninfo(text: string): Map<string, string> {
  const [prefix] = /^postgres(ql)?:\/\//.exec(text) ?? []
  return prefix === undefined ? parseKeywords(text) : parseUri(text.slice(prefix.length))
}

/**
 * A connection string for another database of the same cluster, as key words; all else is as `text` says.
 * @throws ConninfoError as `parseConninfo` does
 */
export const conninfoFor = (text: string, database: string): string =>
  [...parseConninfo(text).set('dbname', database)].map(([name, value]) => `${name}=${quotedWord(value)}`).join(' ')

const quotedWord = (value: string): string =>
  /^[^\s'\\]+$/.test(value) ? value : `'${value.replaceAll(/['\\]/g, String.raw`\$&`)}'`

/** Whether two connection strings say the same, in whatever form and order. One that cannot be read is like no other. */
export function isSameConninfo(one: string, other: string): boolean {
  try {
    const [first, second] = [parseConninfo(one), parseConninfo(other)]
    return first.size === second.size && [...first].every(([name, value]) => second.get(name) === value)
  } catch (error) {
    if (error instanceof ConninfoError) return false
    throw error
  }
}

/** Why a text is no connection string, as a clause. */
export class ConninfoError extends Error {}

const isSpace = (character: string | undefined): boolean => character !== undefined && ' \t\n\v\f\r'.includes(character)

function parseKeywords(text: string): Map<string, string> {
  const found = new Map<string, string>()
  let at = 0
  const skipSpaces = () => {
    while (isSpace(text[at])) at++
  }
  for (skipSpaces(); at < text.length; skipSpaces()) {
    const from = at
    while (at < text.length && text[at] !== '=' && !isSpace(text[at])) at++
    const name = text.slice(from, at)
    skipSpaces()
    if (text[at] !== '=')
      throw new ConninfoError(
        'must be postgres://… or key words such as host=… dbname=…, and a word has no = behind it',
      )
    at++
    skipSpaces()
    const [value, end] = text[at] === "'" ? quotedValue(text, at + 1) : plainValue(text, at)
    found.set(name, value)
    at = end
  }
  return found
}

/** The value up to the next space; a backslash takes the character behind it as it is. */
function plainValue(text: string, from: number): [value: string, end: number] {
  let value = ''
  let at = from
  for (; at < text.length && !isSpace(text[at]); at++) {
    if (text[at] === '\\') at++
    value += text[at] ?? ''
  }
  return [value, Math.min(at, text.length)]
}

function quotedValue(text: string, from: number): [value: string, end: number] {
  let value = ''
  for (let at = from; at < text.length; at++) {
    if (text[at] === "'") return [value, at + 1]
    if (text[at] === '\\') at++
    value += text[at] ?? ''
  }
  throw new ConninfoError("has a ' that does not end")
}

function parseUri(text: string): Map<string, string> {
  const slash = text.indexOf('/')
  // As libpq: a password may have a ? and a #, but no / that is not encoded. A host has no @, so the last one ends the password.
  const at = text.slice(0, slash < 0 ? text.length : slash).lastIndexOf('@')
  const [user = '', ...password] = text.slice(0, Math.max(at, 0)).split(':')
  const [, list = '', dbname = '', query = ''] = /^([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(text.slice(at + 1)) ?? []
  const { host, port } = hostsOf(list)
  const found = new Map<string, string>()
  for (const [name, value] of Object.entries({ user, password: password.join(':'), host, port, dbname }))
    if (value !== '') found.set(name, decoded(value))
  for (const [name, value] of parametersOf(query)) found.set(name, value)
  return found
}

/** Hosts and ports as lists with commas. An address of IP version 6 stands in brackets. */
function hostsOf(text: string): { host: string; port: string } {
  const parts = text.split(',').map((part) => {
    const match = /^(?:\[([^\]]+)\]|([^:[]*))(?::(.*))?$/s.exec(part)
    if (!match) throw new ConninfoError('has a host with brackets that do not fit: [::1] is an address of IP version 6')
    const [, address, name = '', port = ''] = match
    return { host: address ?? name, port }
  })
  const ports = parts.map(({ port }) => port)
  return { host: parts.map(({ host }) => host).join(','), port: ports.some(Boolean) ? ports.join(',') : '' }
}

function parametersOf(query: string): [name: string, value: string][] {
  if (query === '') return []
  return query
    .replace(/&$/, '')
    .split('&')
    .map((part) => {
      const [name = '', value, ...more] = part.split('=')
      if (value === undefined || more.length > 0)
        throw new ConninfoError('has a parameter that is not of the form name=value: write %3D for a = in a value')
      // As libpq, for URLs of JDBC.
      if (name === 'ssl' && value === 'true') return ['sslmode', 'require']
      return [decoded(name), decoded(value)]
    })
}

function decoded(text: string): string {
  let plain: string
  try {
    plain = decodeURIComponent(text)
  } catch {
    throw new ConninfoError('has a % that is no part of a percent-encoded character: write %25')
  }
  if (plain.includes('\0')) throw new ConninfoError('has %00, which no value may have')
  return plain
}

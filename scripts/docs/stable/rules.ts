/**
 * True where other lines say the same of a field of an answer, and more exactly: each of its types on a line of its own, and an integer in
 * place of a number.
 */
export function isRestated(line: string, there: ReadonlySet<string>): boolean {
  const [, field = '', types = '', always = ''] = /^(api .* <.*?) ([a-z|]+)( always)?$/.exec(line) ?? []
  const isThere = (all: readonly string[]) => there.has(`${field} ${all.toSorted().join('|')}${always}`)
  const each = types.split('|')
  const exact = each.map((type) => (type === 'number' ? 'integer' : type))
  if (field === '' || types === exact[0]) return false
  return isThere(exact) || each.every((type, at) => isThere([type]) || isThere([exact[at] ?? type]))
}

/** What of the promised names a client would miss, as sentences. Additions are none, but for a field that a client must send. */
export function broken(committed: readonly string[], now: readonly string[]): string[] {
  const there = new Set(now)
  const isKept = (line: string): boolean =>
    there.has(line) ||
    // A field that clients may leave out, and one that they always get, serve who had to send it, or sometimes got it.
    (line.startsWith('api ') && (there.has(`${line} optional`) || there.has(`${line} always`))) ||
    isRestated(line, there) ||
    (line.startsWith('tsv ') && now.some((other) => other.startsWith(`${line} `)))
  const gone = committed.filter((line) => !isKept(line)).map((line) => `gone or changed: ${line}`)
  const known = new Set(committed)
  const isNewDuty = (line: string): boolean => {
    const [, call = ''] = /^(api \w+ \S+) > \S+ \S+$/.exec(line) ?? []
    const wasOptional = known.has(`${line} optional`)
    // Below a field that clients may leave out nothing must be sent by who does not send it.
    const isBelowOptional = /> \S*[.[]/.test(line)
    return known.has(call) && !known.has(line) && (wasOptional || !isBelowOptional)
  }
  return [...gone, ...now.filter(isNewDuty).map((line) => `must be sent now: ${line}`)]
}

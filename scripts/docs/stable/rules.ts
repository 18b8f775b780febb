/** What of the promised names a client would miss, as sentences. Additions are none, but for a field that a client must send. */
export function broken(committed: readonly string[], now: readonly string[]): string[] {
  const there = new Set(now)
  const isKept = (line: string): boolean =>
    there.has(line) ||
    // A field that clients may leave out, and one that they always get, serve who had to send it, or sometimes got it.
    (line.startsWith('api ') && (there.has(`${line} optional`) || there.has(`${line} always`))) ||
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

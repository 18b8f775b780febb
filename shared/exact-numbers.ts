/** What could be rounded, told cheaply: most bodies have no such number. */
const suspicious = /\d{16}|[eE]\+?\d{3}/

/** A string, which is passed over, or a number. */
const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/**
 * The first number of a JSON text that JavaScript would change: an integer beyond its precision, or what
 * is no number to it at all. A payload that came back as another would be worse than one that is refused.
 */
export function inexactNumber(text: string): string | undefined {
  if (!suspicious.test(text)) return undefined
  for (const [found] of text.matchAll(token)) if (!found.startsWith('"') && !isExact(found)) return found
  return undefined
}

function isExact(digits: string): boolean {
  const value = Number(digits)
  if (!Number.isFinite(value)) return false
  return /[.eE]/.test(digits) || BigInt(digits) === BigInt(value)
}

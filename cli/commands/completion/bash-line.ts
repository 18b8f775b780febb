/** The words of a command line before its last one, without their quotes, and the last one, which is being typed. */
export interface Line {
  before: string[]
  current: string
}

const part = /\\(.)|'([^']*)(?:'|$)|"((?:\\.|[^"\\])*)(?:"|$)|([^\s\\'"]+)|(\s+)|(\\$)/gs

/** Reads a command line as bash does, without expanding anything: bash itself would cut its words at `=` and `:`. */
export function bashLine(text: string): Line {
  const words = ['']
  for (const [, plain, single, double, bare, space] of text.matchAll(part)) {
    if (space !== undefined) {
      words.push('')
      continue
    }
    const more = plain ?? single ?? double?.replaceAll(/\\(["\\$`])/g, '$1') ?? bare ?? ''
    words.push(`${words.pop()}${more}`)
  }
  return { before: words.slice(1, -1), current: words.length > 1 ? (words.at(-1) ?? '') : '' }
}

/**
 * What bash puts in place of the end of a word. `typed` is the part that bash completes: what stands behind the last `=` or `:`.
 */
export function bashValue(value: string, current: string, typed: string): string {
  const open = typed.replace(/^['"]/, '')
  return current.endsWith(open) ? value.slice(current.length - open.length) : value
}

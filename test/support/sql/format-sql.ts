/** A word of a statement, or what stands between two parentheses. */
type Part = { word: string; spaced: boolean } | { group: Part[]; spaced: boolean }

const width = 110
const pattern = /--[^\n]*|'(?:[^']|'')*'|"(?:[^"]|"")*"|[(),]|[^\s(),'"]+/g

/**
 * Breaks a statement into lines and changes nothing but white space, so that the text can be read from top to bottom:
 * one clause a line, and what is longer than 110 characters an item a line.
 */
export function formatSql(text: string): string {
  const words = [...text.matchAll(pattern)].map((match) => ({
    word: match[0],
    spaced: match.index > 0 && /\s/.test(text[match.index - 1] ?? ''),
  }))
  const { parts } = grouped(words, 0)
  return `${clauses(parts, 0).join('\n')}\n`
}

function grouped(words: { word: string; spaced: boolean }[], start: number): { parts: Part[]; end: number } {
  const parts: Part[] = []
  for (let at = start; at < words.length; at++) {
    const one = words[at]
    if (!one || one.word === ')') return { parts, end: at }
    if (one.word !== '(') {
      parts.push(one)
      continue
    }
    const { parts: group, end } = grouped(words, at + 1)
    parts.push({ group, spaced: one.spaced })
    at = end
  }
  return { parts, end: words.length }
}

const wordOf = (part: Part | undefined): string => (part && 'word' in part ? part.word : '')

function flat(parts: readonly Part[]): string {
  return parts
    .map((part, at) => {
      const text = 'word' in part ? part.word : `(${flat(part.group)})`
      return at === 0 || text === ',' || (!part.spaced && wordOf(parts[at - 1]) !== ',') ? text : ` ${text}`
    })
    .join('')
}

const isLong = (parts: readonly Part[], depth: number): boolean =>
  flat(parts).length + 2 * depth > width || hasComment(parts)
const hasComment = (parts: readonly Part[]): boolean =>
  parts.some((part) => ('word' in part ? part.word.startsWith('--') : hasComment(part.group)))

const statementStart = /^(with|select|insert|update|delete|values)$/
const clauseStart =
  /^(with|select|from|where|group|order|having|limit|union|insert|values|update|set|delete|returning|on|join|left|full|cross|for|overriding)$/
const joined = /^(left|full|cross|delete|for|do|distinct)$/

function startsClause(parts: readonly Part[], at: number): boolean {
  const [word, before] = [wordOf(parts[at]), wordOf(parts[at - 1])]
  if (!clauseStart.test(word) || joined.test(before)) return false
  if (word === 'on') return wordOf(parts[at + 1]) === 'conflict'
  if (word === 'select' && before === 'all') return true
  return !(word === 'set' && before === 'update')
}

/** The lines of a statement, or of an expression. */
function clauses(parts: readonly Part[], depth: number): string[] {
  const comments = parts.findIndex((part) => !wordOf(part).startsWith('--'))
  if (comments > 0) return [...commentsOf(parts.slice(0, comments), depth), ...clauses(parts.slice(comments), depth)]
  if (!isLong(parts, depth)) return [indented(flat(parts), depth)]
  if (!statementStart.test(wordOf(parts[0]))) return items(parts, depth)
  const starts = parts.flatMap((_, at) => (startsClause(parts, at) ? [at] : []))
  return starts.flatMap((start, n) => clause(parts.slice(start, starts[n + 1]), depth))
}

function clause(parts: readonly Part[], depth: number): string[] {
  if (!isLong(parts, depth)) return [indented(flat(parts), depth)]
  const head = /^(select|with|set|where|returning|values)$/.test(wordOf(parts[0]))
  if (!head) return expanded(parts, depth)
  const keywords = wordOf(parts[1]) === 'recursive' ? 2 : 1
  return [indented(flat(parts.slice(0, keywords)), depth), ...items(parts.slice(keywords), depth + 1)]
}

/** One line for each item of a list, and for each term of a condition. */
function items(parts: readonly Part[], depth: number): string[] {
  const cuts: number[] = []
  let cases = 0
  let between = false
  parts.forEach((part, at) => {
    const word = wordOf(part)
    if (word === 'case') cases += 1
    if (word === 'end') cases -= 1
    if (cases > 0) return
    if (word === ',') cuts.push(at + 1)
    if ((word === 'and' || word === 'or') && !between) cuts.push(at)
    if (word === 'between' || word === 'and') between = word === 'between'
  })
  const bounds = [0, ...cuts, parts.length]
  if (parts.every((part) => 'word' in part && !/^(--|=|and$|or$)/.test(part.word))) return filled(parts, depth)
  return bounds.slice(1).flatMap((end, n) => {
    const item = parts.slice(bounds[n], end)
    const comments = item.findIndex((part) => !wordOf(part).startsWith('--'))
    return [
      ...commentsOf(item.slice(0, Math.max(0, comments)), depth),
      ...expanded(item.slice(Math.max(0, comments)), depth),
    ]
  })
}

/** Names and plain values, as many on a line as fit. */
function filled(parts: readonly Part[], depth: number): string[] {
  const lines: string[] = []
  const cuts = parts.flatMap((part, at) => (wordOf(part) === ',' ? [at] : []))
  const items = [...cuts, parts.length].map((end, n) => flat(parts.slice(n === 0 ? 0 : (cuts[n - 1] ?? 0) + 1, end)))
  for (const item of items) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + item.length + 2 <= width) lines[lines.length - 1] = `${last}, ${item}`
    else {
      if (last !== undefined) lines[lines.length - 1] += ','
      lines.push(indented(item, depth))
    }
  }
  return lines
}

const commentsOf = (parts: readonly Part[], depth: number): string[] =>
  parts.map((part) => indented(wordOf(part), depth))

/** One line, but for a group that is long: its content stands below, further in. */
function expanded(parts: readonly Part[], depth: number): string[] {
  if (!isLong(parts, depth)) return [indented(flat(parts), depth)]
  const lines: string[] = []
  let rest: Part[] = []
  const flush = (end: string) => {
    const joint = lines.length > 0 && lines.at(-1) === indented(')', depth)
    const text = flat(rest) + end
    const space = text === ',' || rest[0]?.spaced === false ? '' : ' '
    if (joint && text !== '') lines[lines.length - 1] += space + text
    else if (text !== '') lines.push(indented(text, depth))
    rest = []
  }
  for (const part of parts) {
    if (wordOf(part).startsWith('--')) {
      flush('')
      lines.push(indented(wordOf(part), depth))
      continue
    }
    const start = 'group' in part ? wordOf(part.group.find((inner) => !wordOf(inner).startsWith('--'))) : ''
    const opens =
      'group' in part &&
      (hasComment(part.group) ||
        (statementStart.test(start) && flat(part.group).length > 60) ||
        flat(part.group).length > width)
    if (!opens) {
      rest.push(part)
      continue
    }
    flush(rest.length === 0 || !part.spaced ? '(' : ' (')
    lines.push(...clauses(part.group, depth + 1), indented(')', depth))
  }
  flush('')
  return lines
}

const indented = (text: string, depth: number): string => '  '.repeat(depth) + text

/** The most bytes of an answer as JSON, in UTF-8. */
const mostBytes = 32 * 1024

/** In bytes: the cursor to the next rows comes on top of them, and what the answer says of itself. */
const roomForCursor = 3000

/** How many of the rows fit beside the rest of an answer; at least one. */
export function rowsThatFit(rows: readonly unknown[], rest: unknown, most = mostBytes): number {
  let left = most - bytesOf(rest) - roomForCursor
  const fitting = rows.findIndex((row) => {
    left -= bytesOf(row) + 1
    return left < 0
  })
  return fitting < 0 ? rows.length : Math.max(1, fitting)
}

/** An answer that fits, and how many items its lists have lost, by the names of the lists. */
interface Fitted {
  value: unknown
  left_out: Record<string, number>
}

/** Shortens the longest lists of an answer, at any depth, until it fits. */
export function shortened(value: unknown, most = mostBytes): Fitted {
  const left_out: Record<string, number> = {}
  let fitted = value
  while (bytesOf({ value: fitted, left_out }) > most - 200) {
    const longest = longestList(fitted, '')
    if (!longest || longest.items.length < 2) break
    const kept = Math.floor(longest.items.length / 2)
    left_out[longest.path] = (left_out[longest.path] ?? 0) + longest.items.length - kept
    fitted = replaced(fitted, longest.items, longest.items.slice(0, kept))
  }
  return { value: fitted, left_out }
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? '')

interface List {
  path: string
  items: readonly unknown[]
  bytes: number
}

/** The list with the most bytes; undefined where no list has two items. */
function longestList(value: unknown, path: string): List | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  // What is in a list has fewer bytes than the list.
  if (Array.isArray(value) && value.length > 1) return { path: path || 'rows', items: value, bytes: bytesOf(value) }
  const parts = Object.entries(value).map(([name, part]) =>
    longestList(part, Array.isArray(value) ? path : path ? `${path}.${name}` : name),
  )
  return parts.reduce((most, list) => (!most || (list && list.bytes > most.bytes) ? list : most), undefined)
}

function replaced(value: unknown, from: readonly unknown[], to: readonly unknown[]): unknown {
  if (value === from) return to
  if (Array.isArray(value)) return value.map((item) => replaced(item, from, to))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, replaced(part, from, to)]))
}

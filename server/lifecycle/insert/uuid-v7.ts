import { randomUUID } from 'node:crypto'

/** The last value that was made: milliseconds since 1970, and a counter within the millisecond. */
let last = { ms: 0, counter: 0 }

/** The counter is the 12 bits that RFC 9562 names `rand_a`. */
const counterEnd = 2 ** 12

/**
 * A UUID of version 7 (RFC 9562): 48 bits of milliseconds since 1970, then 12 bits of a counter, then 62 random bits. Each one
 * sorts after the one before it in this process, so that rows that are inserted together lie together in the index. When
 * the clock goes back, or the counter overflows, the time of the last UUID is continued.
 */
export function uuidV7(now = Date.now()): string {
  last = next(now)
  const ms = hex(last.ms, 12)
  // The last 64 bits of a UUID of version 4 are the same variant and 62 random bits, and Node makes many of them at once.
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7${hex(last.counter, 3)}-${randomUUID().slice(19)}`
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

function next(now: number): { ms: number; counter: number } {
  if (now > last.ms) return { ms: now, counter: 0 }
  if (last.counter + 1 < counterEnd) return { ms: last.ms, counter: last.counter + 1 }
  return { ms: last.ms + 1, counter: 0 }
}

import type { PointRow, Range } from './read-points.ts'

/** The most jobs that are read for one history. */
export const mostRead = 300_000
/** In how many slices a range is read, the newest first. */
const slices = 8
/** After how many milliseconds no further slice is read. */
const longestMs = 8000

/** What was counted of a slice. */
export interface Counts {
  /** How many jobs were read. A slice with more than are allowed counts none. */
  read: number
  rows: PointRow[]
  /** The shortest time for which the engine keeps one of these jobs, in seconds; null where none has a limit. */
  kept: number | null
}

/** The smaller of two numbers of which each may be unknown. */
export const least = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? (one ?? other) : Math.min(one, other)

/** A slice of which nothing was read. */
export const none: Counts = { read: 0, rows: [], kept: null }

/** Counts the jobs from one time to another, of which it reads one more than `most` at most. */
type Read = (from: number, to: number, most: number) => Promise<Counts>

/**
 * Reads a range from its end. Half of a slice is read in place of one with too many jobs. Where no index finds the jobs of a slice, the whole
 * range is the first one.
 * @returns the counts, and the time from which on all was read: the end of the range where the last step alone has too many jobs
 */
export async function walk(
  { from, to, step }: Range,
  isIndexed: boolean,
  read: Read,
): Promise<Counts & { from: number }> {
  const all: Counts & { from: number } = { ...none, rows: [], from: to }
  const take = async (size: number): Promise<boolean> => {
    const begin = Math.max(from, all.from - size)
    const most = mostRead - all.read
    const counts = await read(begin, all.from, most)
    if (counts.read > most) return false
    all.read += counts.read
    all.rows = all.rows.concat(counts.rows)
    all.kept = least(all.kept, counts.kept)
    all.from = begin
    return true
  }
  const end = performance.now() + longestMs
  let size = isIndexed ? Math.ceil((to - from) / step / slices) * step : to - from
  while (all.from > from && performance.now() < end) {
    if (await take(size)) continue
    if (size <= step) break
    size = Math.ceil(size / step / 2) * step
  }
  return all
}

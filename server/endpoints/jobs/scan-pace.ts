/** The most rows that the search of one page reads. */
export const mostScanned = 50_000

/** How long the search of one page goes on reading, in milliseconds. */
const budgetMs = 200

const smallestSlice = 500

/** How much of a search has been read, and how much of it may follow. */
export interface ScanPace {
  /** The most rows that the next slice may read; 0 when the search has to stop. */
  nextSlice: () => number
  /** Takes note of the rows that a slice has read. */
  count: (rows: number) => void
  /** The rows that all slices have read. */
  scanned: () => number
}

/**
 * The pace of a search that reads rows in slices. Each slice is at most three times as large as all before it, and no larger than the
 * remaining time allows at the speed so far. It stops after 50,000 rows, or after 200 ms when it has read at least 500 rows. Slices that
 * are full end after a multiple of 500 rows.
 */
export function startPace(): ScanPace {
  const start = performance.now()
  let scanned = 0
  return {
    nextSlice: () => {
      if (scanned < smallestSlice) return smallestSlice
      const used = performance.now() - start
      if (used >= budgetMs || scanned > mostScanned - smallestSlice) return 0
      const fitting = Math.floor((scanned / used) * (budgetMs - used))
      return roundedDown(Math.min(mostScanned - scanned, 3 * scanned, fitting))
    },
    count: (rows) => {
      scanned += rows
    },
    scanned: () => scanned,
  }
}

/** The sizes of slices are few, since each is a statement of its own, which the connection keeps prepared. */
const roundedDown = (rows: number): number =>
  smallestSlice * 2 ** Math.floor(Math.log2(Math.max(rows, smallestSlice) / smallestSlice))

import { mostScanned } from '../../../shared/jobs/most-scanned.ts'

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

/** By how much the bounds are larger for a patient search. */
const patience = 5

/**
 * The pace of a search that reads rows in slices. Each slice is at most three times as large as all before it, and no larger than the
 * remaining time allows at the speed so far. It stops after 50,000 rows, or after 200 ms when it has read at least 500 rows. Slices that
 * are full end after a multiple of 500 rows.
 * @param isPatient true while the search goes on for five times as long, and over five times as many rows
 */
export function startPace(isPatient: () => boolean = () => false): ScanPace {
  const start = performance.now()
  let scanned = 0
  return {
    nextSlice: () => {
      if (scanned < smallestSlice) return smallestSlice
      const used = performance.now() - start
      const times = isPatient() ? patience : 1
      const [budget, most] = [budgetMs * times, mostScanned * times]
      if (used >= budget || scanned > most - smallestSlice) return 0
      const fitting = Math.floor((scanned / used) * (budget - used))
      return roundedDown(Math.min(most - scanned, 3 * scanned, fitting))
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

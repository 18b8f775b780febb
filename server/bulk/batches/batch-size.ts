/**
 * The time for which a batch should hold its locks, in milliseconds, without the way to the database: a worker waits at most
 * about this long for a row of the batch.
 */
const targetMs = 100
/** The size of the first batch, and of the largest, in jobs. */
const firstSize = 512
const largestSize = 16_384
/** A slow batch makes the next one no smaller than this: below it, the record, the event and the commit cost more than the jobs. */
const smallestSize = 32

/** How many jobs the next batch takes. */
export interface BatchSize {
  readonly size: number
  /** Records how long the last batch held its locks, in milliseconds, when it had as many jobs as `size`. */
  recordCost: (ms: number) => void
  /** Makes batches smaller, down to one job, after a batch of `jobs` jobs met a lock, a timeout or a rejection. */
  shrinkAfterConflict: (jobs: number) => void
}

/** Adapts the size to batches of about 100 ms. Sizes are powers of two, so that few distinct statements are prepared. */
export function createBatchSize(): BatchSize {
  let size = firstSize
  return {
    get size() {
      return size
    },
    recordCost(ms) {
      if (ms < targetMs / 2) size = Math.min(largestSize, size * 2)
      else if (ms > targetMs * 1.5) size = Math.max(Math.min(size, smallestSize), size / 2)
    },
    shrinkAfterConflict(jobs) {
      size = 2 ** Math.max(0, Math.floor(Math.log2(jobs / 4)))
    },
  }
}

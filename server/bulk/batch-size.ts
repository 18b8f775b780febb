/** The duration that a batch should have, in milliseconds: a worker waits at most about this long for a row of the batch. */
const targetMs = 100
/** The size of the first batch, and of the largest, in jobs. */
const firstSize = 512
const largestSize = 16_384

/** How many jobs the next batch takes. */
export interface BatchSize {
  readonly size: number
  /** Records how long the last batch took, in milliseconds, when it had as many jobs as `size`. */
  recordDuration: (ms: number) => void
  /** Makes batches smaller after a batch of `jobs` jobs met a lock, a timeout or a rejection. */
  shrinkAfterConflict: (jobs: number) => void
}

/** Adapts the size to batches of about 100 ms. Sizes are powers of two, so that few distinct statements are prepared. */
export function createBatchSize(): BatchSize {
  let size = firstSize
  return {
    get size() {
      return size
    },
    recordDuration(ms) {
      if (ms < targetMs / 2) size = Math.min(largestSize, size * 2)
      else if (ms > targetMs * 1.5) size = Math.max(1, size / 2)
    },
    shrinkAfterConflict(jobs) {
      size = 2 ** Math.max(0, Math.floor(Math.log2(jobs / 4)))
    },
  }
}

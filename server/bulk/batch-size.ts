/** How long a batch should take, in milliseconds: workers that need its rows wait no longer. */
const aim = 100
const first = 512
const most = 16_384

/** How many jobs the next batch takes. */
export interface BatchSize {
  readonly size: number
  /** The last batch was full, and took so long. */
  recordDuration: (ms: number) => void
  /** The last batch, of so many jobs, met a lock or a limit, or was refused. */
  shrinkAfterConflict: (jobs: number) => void
}

/** Finds the size of batches that take about 100 ms: powers of two, so that few statements are ever prepared. */
export function createBatchSize(): BatchSize {
  let size = first
  return {
    get size() {
      return size
    },
    recordDuration(ms) {
      if (ms < aim / 2) size = Math.min(most, size * 2)
      else if (ms > aim * 1.5) size = Math.max(1, size / 2)
    },
    shrinkAfterConflict(jobs) {
      size = 2 ** Math.max(0, Math.floor(Math.log2(jobs / 4)))
    },
  }
}

/** How long a batch should take, in milliseconds: workers that need its rows wait no longer. */
const aim = 100
const first = 512
const least = 8
const most = 16_384

/** How many jobs the next batch takes. */
export interface Pace {
  readonly size: number
  /** The last batch was full, and took so long. */
  took: (ms: number) => void
  /** The last batch met a lock or a limit. */
  backOff: () => void
}

/** Finds the size of batches that take about 100 ms: powers of two, so that few statements are ever prepared. */
export function createPace(): Pace {
  let size = first
  const within = (wanted: number) => Math.min(most, Math.max(least, wanted))
  return {
    get size() {
      return size
    },
    took(ms) {
      if (ms < aim / 2) size = within(size * 2)
      else if (ms > aim * 1.5) size = within(size / 2)
    },
    backOff() {
      size = within(size / 4)
    },
  }
}

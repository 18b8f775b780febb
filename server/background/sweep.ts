const everyMs = 5 * 60_000
/** The most time of one run, since other tasks of the maintenance wait behind it. */
const longestRunMs = 2000

/** Deletes what is over its term. */
export interface Sweep {
  /**
   * Sweeps every 5 minutes, for 2 s at most: the next run goes on.
   * @throws the error of the database; the next try is 5 minutes later
   */
  run: () => Promise<void>
}

/**
 * The clock of a sweep.
 * @param sweep deletes until it is done, or until its time is over; returns true when it is done
 */
export function createSweep(stopping: AbortSignal, sweep: (isOver: () => boolean) => Promise<boolean>): Sweep {
  let nextAt = Number.NEGATIVE_INFINITY
  return {
    async run() {
      const now = performance.now()
      if (now < nextAt) return
      nextAt = now + everyMs
      const isDone = await sweep(() => stopping.aborted || performance.now() > now + longestRunMs)
      if (!isDone) nextAt = now
    },
  }
}

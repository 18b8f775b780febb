import { pause } from '../call/pause.ts'

/** The places for jobs that run at once: of `concurrency`, those that no job and no call for jobs has. */
export interface Places {
  /**
   * Waits for a free place, in turn with the other loops, and reserves free places for a call.
   * @returns how many, at most `most`; 0 when the worker stops
   */
  take: (most: number) => Promise<number>
  /** The call that reserved this number of places is over; its jobs are among the running ones by now. */
  giveBack: (places: number) => void
  /** A job has ended. */
  free: () => void
}

/** @param running every running job */
export function createPlaces(concurrency: number, running: ReadonlySet<unknown>, signal: AbortSignal): Places {
  const waiting: (() => void)[] = []
  let reserved = 0
  const wakeAll = () => {
    for (const wake of waiting.splice(0)) wake()
  }
  signal.addEventListener('abort', wakeAll, { once: true })
  const free = () => concurrency - running.size - reserved
  return {
    async take(most) {
      while (free() <= 0 && !signal.aborted) {
        await new Promise<void>((resolve) => void waiting.push(resolve))
        // Jobs that were finished by one call make room for one call.
        await pause(0, signal)
      }
      const places = signal.aborted ? 0 : Math.min(free(), most)
      reserved += places
      return places
    },
    giveBack(places) {
      reserved -= places
      wakeAll()
    },
    free: wakeAll,
  }
}

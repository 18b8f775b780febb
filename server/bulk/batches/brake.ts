import type { Brake } from '../change/bulk-change.ts'
import { sleepUntil } from '../change/sleep-until.ts'

/** How much time a change may make good by going faster than its rate, in milliseconds. */
const mostOwedMs = 1000

/** Slows a change down to the rate that its caller asked for, and ends it at the time that the caller set. */
export interface BrakePedal {
  /** The most jobs of the next batch, so that no batch takes more than half a second's share of the rate. */
  most: number
  /** True when no further batch may begin. */
  isOver: () => boolean
  /**
   * Waits until the rate allows another batch after `affected` jobs, or until `mustStop` is true. What slow batches or another
   * wait have cost is made good for one second at most.
   */
  wait: (affected: number, mustStop: () => boolean) => Promise<void>
}

/** @param now the clock in milliseconds */
export function createBrake({ rate, until }: Brake, now: () => number = Date.now): BrakePedal {
  let start = now()
  const end = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until)
  const isOver = () => now() >= end
  return {
    most: rate === undefined ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(rate / 2)),
    isOver,
    async wait(affected, mustStop) {
      if (rate === undefined) return
      start = Math.max(start, now() - mostOwedMs - (affected * 1000) / rate)
      await sleepUntil({ time: start + (affected * 1000) / rate, now, mustStop })
    },
  }
}

import { setTimeout as sleep } from 'node:timers/promises'

/** A value that is read again and again for any number of readers, and only while there are readers. */
export interface Feed<T> {
  /**
   * Resolves to a value other than `seen`: at once where there is a fresh one, else with the next read, which all callers share.
   * @throws whatever the read throws, for all callers that wait for it
   */
  after: (seen: T | undefined) => Promise<T>
}

interface FeedOptions<T> {
  /** Reads the next value, given the value before it. */
  read: (before: T | undefined) => Promise<T>
  /** The least time between the begin of two reads, in milliseconds. */
  intervalMs: number
}

/** A read that takes long is followed by a pause of this many times its duration, so that readers do not load the database. */
const restFactor = 4

/** Creates a feed. It keeps one value. */
export function createFeed<T>({ read, intervalMs }: FeedOptions<T>): Feed<T> {
  let latest: { value: T } | undefined
  let nextAt = Number.NEGATIVE_INFINITY
  let reading: Promise<T> | undefined

  const readNext = async (): Promise<T> => {
    const pauseMs = nextAt - performance.now()
    if (pauseMs > 0) await sleep(pauseMs, undefined, { ref: false })
    const beganAt = performance.now()
    try {
      const value = await read(latest?.value)
      latest = { value }
      return value
    } finally {
      const endedAt = performance.now()
      nextAt = Math.max(beganAt + intervalMs, endedAt + restFactor * (endedAt - beganAt))
    }
  }

  return {
    after(seen) {
      if (latest && latest.value !== seen && performance.now() < nextAt) return Promise.resolve(latest.value)
      if (!reading) {
        reading = readNext().finally(() => {
          reading = undefined
        })
        reading.catch(() => {}) // every caller may have left before the read fails
      }
      return reading
    },
  }
}

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
  /** The least time between the begin of two reads, in milliseconds; a function is asked at each read. */
  intervalMs: number | (() => number)
  /**
   * A read that takes long is followed by a pause of this many times its duration, so that readers do not load the database; 4 unless set.
   * A read that mostly waits needs none.
   */
  restFactor?: number
}

/** A feed for each of many subjects. */
interface Feeds<Subject, T> {
  /** The feed that readers of equal subjects share. */
  of: (subject: Subject) => Feed<T>
}

interface FeedsOptions<Subject, T> {
  /** Reads the next value of a subject, given the value before it. */
  read: (subject: Subject, before: T | undefined) => Promise<T>
  intervalMs: number
}

/** The most feeds that are known. A reader of one that is not known any more goes on, and shares it with no new reader. */
const mostFeeds = 100

/** Creates feeds. Of subjects that are equal as JSON there is one. */
export function createFeeds<Subject, T>({ read, intervalMs }: FeedsOptions<Subject, T>): Feeds<Subject, T> {
  const feeds = new Map<string, Feed<T>>()
  return {
    of(subject) {
      const key = JSON.stringify([subject])
      const feed = feeds.get(key) ?? createFeed<T>({ intervalMs, read: (before) => read(subject, before) })
      feeds.delete(key)
      feeds.set(key, feed)
      for (const oldest of feeds.keys()) {
        if (feeds.size <= mostFeeds) break
        feeds.delete(oldest)
      }
      return feed
    },
  }
}

/** Creates a feed. It keeps one value. */
export function createFeed<T>({ read, intervalMs, restFactor = 4 }: FeedOptions<T>): Feed<T> {
  let latest: { value: T } | undefined
  let isFresh = false
  let nextAt = Number.NEGATIVE_INFINITY
  let reading: Promise<T> | undefined

  const readNext = async (): Promise<T> => {
    const pauseMs = nextAt - performance.now()
    if (pauseMs > 0) await sleep(pauseMs, undefined, { ref: false })
    const beganAt = performance.now()
    isFresh = false
    // After a read that fails, the next one comes as soon as it may: readers wait for it, and have no value.
    nextAt = beganAt + (typeof intervalMs === 'number' ? intervalMs : intervalMs())
    const value = await read(latest?.value)
    const endedAt = performance.now()
    nextAt = Math.max(nextAt, endedAt + restFactor * (endedAt - beganAt))
    latest = { value }
    isFresh = true
    return value
  }

  return {
    after(seen) {
      if (latest && isFresh && latest.value !== seen && performance.now() < nextAt) return Promise.resolve(latest.value)
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

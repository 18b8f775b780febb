const sightingEveryMs = 60_000
/** A worker with another name in each call must fill neither the memory nor the table. */
const mostPerQueue = 1000
const most = 50_000

/** Lets each key of a queue through once a minute: at most 1,000 keys of a queue, and 50,000 in all. */
export interface SightingThrottle {
  /** @param now a time in milliseconds that never goes back */
  letsThrough: (queue: string, key: string, now: number) => boolean
}

export function createSightingThrottle(): SightingThrottle {
  const queues = new Map<string, Map<string, number>>()
  let [total, sweptAt] = [0, Number.NEGATIVE_INFINITY]
  const sweep = (now: number) => {
    sweptAt = now
    for (const [queue, keys] of queues) {
      for (const [key, at] of keys) if (now - at >= sightingEveryMs) keys.delete(key)
      if (keys.size === 0) queues.delete(queue)
    }
    total = [...queues.values()].reduce((sum, { size }) => sum + size, 0)
  }
  return {
    letsThrough(queue, key, now) {
      if (now - sweptAt >= sightingEveryMs) sweep(now)
      const keys = queues.get(queue) ?? new Map<string, number>()
      const at = keys.get(key)
      if (at !== undefined && now - at < sightingEveryMs) return false
      if (at === undefined) {
        if (keys.size >= mostPerQueue || total >= most) return false
        total += 1
        queues.set(queue, keys)
      }
      keys.set(key, now)
      return true
    },
  }
}

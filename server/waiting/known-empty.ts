/** Up to where a search found nothing that cannot find anything there later either. */
export interface KnownEmpty {
  /** The place from which on a search that begins after `after` has to look: `after`, or a later one. */
  from: (search: string, after: number) => number
  note: (search: string, after: number, reached: number) => void
}

/** The most searches that are remembered. */
const most = 1000

export function createKnownEmpty(): KnownEmpty {
  const known = new Map<string, number>()
  const keyOf = (search: string, after: number) => `${after} ${search}`
  return {
    from: (search, after) => known.get(keyOf(search, after)) ?? after,
    note: (search, after, reached) => {
      // The end of the log can lie below `after`; remembered, it would bring back events that a later search does not ask for.
      if (reached <= after) return
      const key = keyOf(search, after)
      known.delete(key)
      known.set(key, reached)
      for (const oldest of known.keys()) {
        if (known.size <= most) break
        known.delete(oldest)
      }
    },
  }
}

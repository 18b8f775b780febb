import { hasSafeId } from '../database/planner-hints.ts'
import type { BulkChange, RunningChange } from './bulk-change.ts'
import { createIdScan } from './id-scan.ts'
import { idSelection, rangeSelection, type Selection } from './selection.ts'

/** To find a stretch takes less, in milliseconds, where much of what lies there matches. */
const sparseMs = 25

/** The jobs that a change has still to change. */
export interface Candidates {
  /** The next ones, at most so many; undefined when there are none but those that others hold. */
  next: (most: number) => Promise<Selection | undefined>
  /** So many of the last ones were changed. */
  recordChanged: (jobs: number) => void
  /** The last ones have to be tried again. */
  retryLast: () => void
  /** The last one stays. */
  skipLast: () => void
  /** How many others hold, in the end. */
  lockedCount: () => number
}

/**
 * Looks for the jobs of a change. Where an index has them side by side, stretch by stretch, as long as nothing is in the
 * way; else many batches ahead.
 */
export function createCandidates(running: RunningChange, bulk: BulkChange<unknown>): Candidates {
  let stretching = bulk.hasTimeIndex === true
  let reached = '-infinity'
  let found: number[] = []
  let last: number[] = []
  /** Nothing lies beyond what was found. */
  let complete = false

  const matching = () => {
    const set = { ...running, excluded: [...(running.excluded ?? []), ...(bulk.rejected?.keys() ?? [])] }
    return bulk.matching(running.sql, set)
  }
  const rounds = createIdScan(running, matching)

  /** The stretch from where the last one ended; undefined where it is better to go by ids from now on. */
  async function stretch(size: number): Promise<Selection | undefined> {
    const { sql } = running
    const first = reached === '-infinity'
    const start = performance.now()
    const [{ ids, count, end }] = await sql<[{ ids: number[]; count: number; end: string | null }]>`
      select ${first ? sql`coalesce(jsonb_agg(id), '[]')` : sql`'[]'::jsonb`} as ids, count(*) as count, max(time) as end
      from (
        select id, ${bulk.time(sql)} as time
        ${matching()} and ${hasSafeId(sql)} and ${bulk.time(sql)} >= ${reached}::text::timestamptz
        order by time
        limit ${sql.unsafe(String(size + 1))}
      ) as found`
    complete = count <= size
    if (count === 0) return undefined
    const isSparse = performance.now() - start > sparseMs
    const until = complete || end === null ? 'infinity' : end
    // To read what hardly matches twice would cost more than to name what does; and many may be of the same time.
    if (isSparse || until === reached) {
      stretching = false
      complete &&= first
      found = ids
      return undefined
    }
    const selection = rangeSelection({ along: bulk.time, from: reached, until, size })
    reached = until
    return selection
  }

  /** What was found has not all been changed. */
  function skipLast(): void {
    stretching = false
    complete = false
  }

  return {
    async next(most) {
      const side = stretching && !complete ? await stretch(most) : undefined
      if (side) return side
      if (found.length === 0 && !complete) found = await rounds.next()
      last = found.splice(0, most)
      return last.length > 0 ? idSelection(last) : undefined
    },
    recordChanged: rounds.recordChanged,
    retryLast() {
      skipLast()
      found = [...last, ...found]
      last = []
    },
    skipLast,
    lockedCount: rounds.lockedCount,
  }
}

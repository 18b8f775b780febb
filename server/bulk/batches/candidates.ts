import type { JobId } from '../../../shared/work/job-key.ts'
import { isNoneOf } from '../../database/job-ids.ts'
import { hasSafeId, inIndexOrder } from '../../database/planner-hints.ts'
import type { Holds } from '../../database/read-holds.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { limitRangeTime, unlessOverdue } from '../../database/timeouts.ts'
import type { BulkChange, SearchContext } from '../change/bulk-change.ts'
import { idSelection, rangeSelection, type Selection, type TimeIndex } from '../change/selection.ts'
import { createIdScan, type FoundJob } from './id-scan.ts'

/**
 * A search for a range reads many rows that do not match where it runs longer in PostgreSQL than both limits. They are in milliseconds: one for
 * the search, one for each job that it finds. Over partitions 8,192 jobs that lie side by side take 15 ms, and more on a busy machine. To go on by
 * ids would ask each partition for them.
 */
const [sparseMs, sparseMsOfJob] = [25, 0.01]

/** Hands out the jobs that a change has still to change. */
export interface Candidates {
  /**
   * Selects the next jobs, at most `most`; undefined when every job that is left is held by another transaction. `holds` are those that
   * the change passes over: one that was added since keeps its jobs in the batch.
   */
  next: (most: number, holds: Holds) => Promise<Selection | undefined>
  /** Records that `jobs` jobs of the last selection were changed. */
  recordChanged: (jobs: number) => void
  /** Hands out the last selection once more, by ids. */
  retryLast: () => void
  /** Leaves the last selection as it is, and searches by ids from now on. */
  skipLast: () => void
  /** How many jobs other transactions held when the search gave up. */
  lockedCount: () => number
}

/**
 * Searches candidates in ranges of the time index, where the change has one, until the first conflict; from then on, and
 * for every other change, by scans that collect ids for many batches ahead.
 */
export function createCandidates(context: SearchContext, bulk: BulkChange<unknown>): Candidates {
  const matching = (holds: Holds) => {
    const { sql } = context
    const found = bulk.matching(sql, { ...context, holds })
    // A job that the database has rejected still matches. A search that found it again would end as one among locked jobs: by its time.
    const rejected = [...(bulk.rejected?.keys() ?? [])]
    return rejected.length === 0 ? found : sql`${found} and ${isNoneOf(sql, rejected)}`
  }
  // A scan is for many batches. A range is for one, and would make the hash of all held jobs each time.
  const scan = createIdScan(context, (holds) => matching({ ...holds, isSearch: true }), bulk)
  // A job without the time of the index may be older than one with it.
  const timeIndex = bulk.oldestFirst && bulk.timeIndex?.isOfAll === false ? undefined : bulk.timeIndex
  const ranges = timeIndex && createRangeScan(context, timeIndex, matching)
  let usesRanges = ranges !== undefined
  let found: FoundJob[] = []
  let last: FoundJob[] = []
  /** True when no candidate lies beyond `found`. */
  let isComplete = false

  function useIds(): void {
    usesRanges = false
    isComplete = false
  }

  async function nextRange(most: number, holds: Holds): Promise<Selection | undefined> {
    if (!ranges || !usesRanges || isComplete) return undefined
    const range = await ranges.next(most, holds)
    isComplete = range.isLast && timeIndex?.isOfAll === true
    usesRanges = !range.isUnsuitable && (isComplete || !range.isLast)
    if (range.selection) return range.selection
    found = range.ids.map((id) => ({ id }))
    return undefined
  }

  return {
    async next(most, holds) {
      const range = await nextRange(most, holds)
      if (range) return range
      if (found.length === 0 && !isComplete) found = await scan.next(holds)
      last = found.splice(0, most)
      return last.length > 0 ? selectionOf(last) : undefined
    },
    recordChanged: scan.recordChanged,
    retryLast() {
      useIds()
      found = [...last, ...found]
      last = []
    },
    skipLast: useIds,
    lockedCount: scan.lockedCount,
  }
}

function selectionOf(jobs: readonly FoundJob[]): Selection {
  const tids = jobs.flatMap(({ tid }) => tid ?? [])
  return idSelection(
    jobs.map(({ id }) => id),
    tids.length === jobs.length ? tids : undefined,
  )
}

interface RangeResult {
  selection: Selection | undefined
  /** No candidate lies beyond this range. */
  isLast: boolean
  /** Ids serve better than ranges from now on. */
  isUnsuitable: boolean
  /** With an unsuitable first range: the ids that the search found. */
  ids: JobId[]
}

interface Found {
  ids: JobId[]
  count: number
  end: string | null
  took: number
}

/** Searches ranges of the time index one after the other, each from the end of the last one. */
function createRangeScan(
  context: SearchContext,
  { along, type, isOfAll, before }: TimeIndex,
  matching: (holds: Holds) => Fragment,
) {
  const { sql } = context
  /** The planner takes no condition of an index from one with `or`, and would read up to its end. */
  const bound = (of: Sql) => (before ? of`and ${before(of, context)}` : of``)
  let from = '-infinity'

  const search = (of: Sql, size: number, holds: Holds) => of<[Found]>`
    select ${from === '-infinity' ? of`coalesce(jsonb_agg(id), '[]')` : of`'[]'::jsonb`} as ids, count(*) as count, max(time)::text as end,
      extract(epoch from clock_timestamp() - statement_timestamp())::float8 * 1000 as took
    from (
      select id, ${along(of)} as time
      ${matching(holds)} and ${hasSafeId(of)} and ${along(of)} >= ${from}::text::${of.unsafe(type)} ${bound(of)}
      order by time
      limit ${of.unsafe(String(size + 1))}
    ) as found`

  /**
   * The index of another program has more jobs than match. The planner would read them all, and sort those that match. Where few match, the
   * search may read the whole index: it returns undefined when its limit is over.
   */
  const searchInOrder = (size: number, holds: Holds) =>
    sql
      .begin(async (tx) => {
        const settings = tx`select ${inIndexOrder(tx)}, ${limitRangeTime(tx)}`
        const [, found] = await Promise.all([settings.execute(), search(tx, size, holds)])
        return found
      })
      .catch(unlessOverdue)

  async function next(size: number, holds: Holds): Promise<RangeResult> {
    const isFirst = from === '-infinity'
    const row = await (isOfAll ? search(sql, size, holds) : searchInOrder(size, holds))
    if (!row) return { selection: undefined, ids: [], isLast: false, isUnsuitable: true }
    const [{ ids, count, end, took }] = row
    const isLast = count <= size
    const none = { selection: undefined, ids: [], isLast, isUnsuitable: false }
    if (count === 0) return none
    const until = isLast || end === null ? 'infinity' : end
    // A batch reads its range a second time, which costs more than a list of ids where few rows match. A range also cannot
    // end within jobs of the same time. The time of PostgreSQL begins after its planning, which takes long over partitions.
    if (took > Math.max(sparseMs, count * sparseMsOfJob) || until === from)
      return { ...none, ids, isLast: isLast && isFirst, isUnsuitable: true }
    const selection = rangeSelection({ along, type, from, until, size, bound })
    from = until
    return { ...none, selection }
  }
  return { next }
}

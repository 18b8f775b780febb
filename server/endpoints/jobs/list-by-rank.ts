import { mostScanned } from '../../../shared/jobs/most-scanned.ts'
import type { Sql } from '../../database/sql.ts'
import { readIdBlocks } from './id-blocks.ts'
import type { Cursor, IdRange } from './list-cursor.ts'
import { type Page, type PlacedJob, positionOf, startOf } from './list-page.ts'
import { inOrder, type RankRequest, readSorted } from './list-sorted.ts'
import { startPace } from './scan-pace.ts'

/**
 * A page of a list by priority or status, which no index has in its order. The jobs with the newest ids are sorted first, as many
 * as are read in 200 ms, and 50,000 at most; then the next ones. So a page never reads the whole table. A table of fewer jobs is
 * sorted as a whole.
 */
export async function listByRank(sql: Sql, request: RankRequest, cursor: Cursor | undefined): Promise<Page> {
  const { found, scanned, range } = await search(sql, request, cursor)
  const jobs = found.slice(0, request.limit)
  const hasMore = found.length > request.limit
  const links = cursor?.to === 'prev' ? previousLinks : nextLinks
  const isComplete = !range.below && !range.above
  return { ...links({ jobs, range, hasMore, cursor }), scanned, isComplete }
}

interface Found {
  /** The first matching jobs of the range, at most one more than the limit. */
  found: PlacedJob[]
  scanned: number
  range: IdRange
}

/** Sorts the range of the cursor, or finds the range that one search can read. */
async function search(sql: Sql, request: RankRequest, cursor: Cursor | undefined): Promise<Found> {
  const { low, high } = cursor?.range ?? {}
  if (cursor?.range && low !== undefined && high !== undefined) {
    const { rows, scanned } = await readSorted(sql, request, { cursor, low, high })
    return { found: rows, scanned, range: cursor.range }
  }
  const up = low !== undefined
  const { found, scanned, first, last, hasMore } = await searchOn(sql, request, { cursor, up })
  const range = up
    ? { low, high: last, below: cursor?.range?.below ?? true, above: hasMore }
    : { low: last, high: high ?? first, below: hasMore, above: cursor?.range?.above ?? false }
  return { found, scanned, range }
}

/** Reads ranges of ids, upwards or downwards from the end of the range that is known, until the pace says stop. */
async function searchOn(sql: Sql, request: RankRequest, { cursor, up }: { cursor: Cursor | undefined; up: boolean }) {
  const pace = startPace()
  const { first, ends } = await readIdBlocks(sql, request, { range: cursor?.range, up })
  let found: PlacedJob[] = []
  let last: string | undefined
  for (let most = pace.nextSlice(); most > 0; most = pace.nextSlice()) {
    const scanned = pace.scanned()
    const end = ends.findLast(({ rows }) => rows > scanned && rows <= scanned + most)
    if (!end || first === undefined) break
    const start = last === undefined ? first : String(Number(last) + (up ? 1 : -1))
    const range = up ? { low: start, high: end.id } : { low: end.id, high: start }
    const slice = await readSorted(sql, request, { cursor, ...range })
    found = [...found, ...slice.rows].sort(inOrder(request, cursor)).slice(0, request.limit + 1)
    pace.count(end.rows - scanned)
    last = end.id
  }
  const scanned = pace.scanned()
  return { found, scanned, first, last, hasMore: scanned >= mostScanned || scanned < (ends.at(-1)?.rows ?? 0) }
}

interface Turn {
  jobs: PlacedJob[]
  range: IdRange
  hasMore: boolean
  cursor: Cursor | undefined
}
type Links = Pick<Page, 'jobs' | 'next' | 'prev'>

function nextLinks({ jobs, range, hasMore, cursor }: Turn): Links {
  const last = jobs.at(-1)
  const start = startOf(jobs, cursor)
  const next = hasMore && last ? { to: 'next' as const, place: positionOf(last), range } : lower(range)
  if (!cursor) return { jobs, next, prev: undefined }
  const isFirst = cursor.place === undefined
  return { jobs, next, prev: isFirst || !start ? higher(range) : { to: 'prev', place: start, range } }
}

function previousLinks({ jobs, range, hasMore, cursor }: Turn): Links {
  const last = jobs.at(-1)
  const start = startOf(jobs, cursor)
  const isLast = cursor?.place === undefined && jobs.length === 0
  return {
    jobs: jobs.toReversed(),
    next: isLast || !start ? lower(range) : { to: 'next', place: start, range },
    prev: hasMore && last ? { to: 'prev', place: positionOf(last), range } : higher(range),
  }
}

const lower = ({ low, below }: IdRange): Cursor | undefined =>
  below && low !== undefined
    ? { to: 'next', range: { high: String(Number(low) - 1), below: true, above: true } }
    : undefined

const higher = ({ high, above }: IdRange): Cursor | undefined =>
  above && high !== undefined
    ? { to: 'prev', range: { low: String(Number(high) + 1), below: true, above: true } }
    : undefined

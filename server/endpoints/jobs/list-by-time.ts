import type { Sql } from '../../database/sql.ts'
import { servedBy } from '../../engines/served.ts'
import { rejectFaults } from '../../lifecycle/server-limits.ts'
import type { Cursor, Position } from './list-cursor.ts'
import { type Page, type PlacedJob, positionOf, startOf } from './list-page.ts'
import { readSlice } from './list-slice.ts'
import { startPace } from './scan-pace.ts'
import { type TimeKey, type TimePart, type TimeRequest, timeParts } from './time-parts.ts'

/** A page of a list by a time: jobs that have the time, after them jobs without it by their creation, and jobs without both. */
export async function listByTime(sql: Sql, request: TimeRequest, cursor: Cursor | undefined): Promise<Page> {
  const { found, scanned, bound } = await search(sql, request, cursor)
  const jobs = found.slice(0, request.limit)
  const lastFound = jobs.at(-1)
  const beyond = found.length > request.limit && lastFound ? positionOf(lastFound) : bound
  return { ...pageOf(jobs, cursor, beyond), scanned, isComplete: bound === undefined }
}

interface Found {
  /** Matching jobs, at most one more than the limit. */
  found: PlacedJob[]
  scanned: number
  /** The place at which the search stopped before the end of the list. */
  bound: Position | undefined
}

/** Reads slices, part after part, until the page is full, the list ends, or the pace says stop. */
async function search(sql: Sql, request: TimeRequest, cursor: Cursor | undefined): Promise<Found> {
  const found: PlacedJob[] = []
  // Jobs of an engine are not in the order of a time by state: an empty page would send its reader for the next one.
  const isOfEngine = servedBy(sql).mode !== 'own'
  const pace = startPace(() => isOfEngine && found.length === 0)
  let bound: Position | undefined
  for (const { part, from } of partsFrom(request.sort_by, cursor)) {
    for (let place = from, hasMore = true; hasMore; place = bound) {
      const most = pace.nextSlice()
      if (most === 0) return { found, scanned: pace.scanned(), bound }
      const wanted = request.limit + 1 - found.length
      const slice = await readSlice(sql, request, { part, from: place, back: cursor?.to === 'prev', most, wanted })
      pace.count(slice.scanned)
      found.push(...slice.matching)
      if (found.length > request.limit) return { found, scanned: pace.scanned(), bound: undefined }
      bound = slice.last ?? bound
      hasMore = slice.hasMore
    }
  }
  return { found, scanned: pace.scanned(), bound: undefined }
}

/** The page with its cursors; `beyond` is the place after which the search goes on, undefined at the end of the list. */
function pageOf(jobs: PlacedJob[], cursor: Cursor | undefined, beyond: Position | undefined) {
  const start = startOf(jobs, cursor)
  if (cursor?.to !== 'prev')
    return {
      jobs,
      next: beyond && ({ to: 'next', place: beyond } as const),
      prev: cursor && start && ({ to: 'prev', place: start } as const),
    }
  return {
    jobs: jobs.toReversed(),
    next: start && ({ to: 'next', place: start } as const),
    prev: beyond && ({ to: 'prev', place: beyond } as const),
  }
}

interface PartFrom {
  part: TimePart
  /** The place from which the part is read; undefined for its beginning in the direction of reading. */
  from: Position | undefined
}

/**
 * The parts of the list that a page reads, in the order of reading.
 * @throws Failure `invalid_request` for a place that no part has, such as one of a server of another version
 */
function partsFrom(sortBy: TimeKey, cursor: Cursor | undefined): PartFrom[] {
  const parts = timeParts(sortBy)
  const place = cursor?.place
  const first = parts[place?.part ?? 0]
  if (!first || (place && (place.key === null) !== (first.key === undefined))) {
    rejectFaults([{ path: 'cursor', message: 'is of another version of the server; begin again with the first page' }])
    return []
  }
  const at = parts.indexOf(first)
  const others = cursor?.to === 'prev' ? parts.slice(0, at).toReversed() : parts.slice(at + 1)
  return [{ part: first, from: place }, ...others.map((part) => ({ part, from: undefined }))]
}

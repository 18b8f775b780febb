import type { ListRequest } from '../../../shared/jobs/list.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { Cursor, IdRange, Place } from './list-cursor.ts'
import {
  columns,
  directionOf,
  isCandidate,
  isMatching,
  mostScanned,
  type Page,
  type PlacedJob,
  placeOf,
  startOf,
} from './list-page.ts'

export type RankKey = 'priority' | 'status'

/**
 * A page of a list by priority or status, which no index has in its order. The jobs with the newest 50,000 ids are sorted
 * first, then the next 50,000, so that a page never reads the whole table. A table of fewer jobs is sorted as a whole.
 */
export async function listByRank(
  sql: Sql,
  request: ListRequest & { sort_by: RankKey },
  cursor: Cursor | undefined,
): Promise<Page> {
  const rows = await readSorted(sql, request, cursor)
  const [{ scanned, low, high } = { scanned: 0, low: null, high: null }] = rows
  const found = rows.filter((row): row is SortedRow & PlacedJob => row.id !== null)
  const jobs = found.slice(0, request.limit)
  const range = rangeAfter(cursor?.range, { scanned, low, high })
  const hasMore = found.length > request.limit
  const links = cursor?.to === 'prev' ? previousLinks : nextLinks
  const isComplete = !range.below && !range.above
  return { ...links({ jobs, range, hasMore, cursor }), scanned, isComplete }
}

interface Edges {
  scanned: number
  low: string | null
  high: string | null
}
type SortedRow = Edges & { [Name in keyof PlacedJob]: PlacedJob[Name] | null }

/** The range as it is known after it was read. */
function rangeAfter(range: IdRange | undefined, { scanned, low, high }: Edges): IdRange {
  const isFull = scanned >= mostScanned
  const known = { low: range?.low ?? low ?? undefined, high: range?.high ?? high ?? undefined }
  if (range?.low !== undefined && range.high !== undefined) return range
  if (range?.low !== undefined) return { ...known, below: range.below, above: isFull }
  return { ...known, below: isFull, above: range?.above ?? false }
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
  const next = hasMore && last ? { to: 'next' as const, place: placeOf(last), range } : lower(range)
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
    prev: hasMore && last ? { to: 'prev', place: placeOf(last), range } : higher(range),
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

/** The first rows of the sorted range, one more than the limit. A range without a matching job is one row without an id. */
async function readSorted(sql: Sql, request: ListRequest & { sort_by: RankKey }, cursor: Cursor | undefined) {
  const key = { priority: sql`jobs.priority`, status: sql`jobs.status collate "C"` }[request.sort_by]
  const { order, beyond } = directionOf(sql, request, cursor)
  const nulls = cursor?.to === 'prev' ? sql`desc` : sql`asc`
  const ordered = sql`order_key is null ${nulls}, order_key ${order}, id ${order}`
  const { low, high } = cursor?.range ?? {}
  return sql<SortedRow[]>`
    with scanned as materialized (
      select
        ${columns(sql)}, ${key} as order_key, (${key})::text as sort_key, ${isMatching(sql, request)} as matching
      from jobs
      where ${isCandidate(sql, request)}
        ${low === undefined ? sql`` : sql`and jobs.id >= ${low}::text::bigint`}
        ${high === undefined ? sql`` : sql`and jobs.id <= ${high}::text::bigint`}
      order by jobs.id ${low !== undefined && high === undefined ? sql`asc` : sql`desc`}
      ${low !== undefined && high !== undefined ? sql`` : sql.unsafe(`limit ${mostScanned}`)}
    )
    select edges.*, page.*
    from (select count(*) as scanned, min(id)::text as low, max(id)::text as high from scanned) as edges
    left join lateral (
      select *
      from scanned
      where matching ${cursor?.place ? afterPlace(sql, request.sort_by, { cursor, place: cursor.place, beyond }) : sql``}
      order by ${ordered}
      limit ${request.limit + 1}
    ) as page on true
    order by ${ordered}`
}

interface After {
  cursor: Cursor
  place: Place
  beyond: Fragment
}

/** Jobs without the sort key come last in both orders, so they come first in a page that goes back. */
function afterPlace(sql: Sql, sortBy: RankKey, { cursor, place: { key, id }, beyond }: After): Fragment {
  const isBack = cursor.to === 'prev'
  const afterId = sql`id ${beyond} ${id}::text::bigint`
  if (key === null)
    return isBack ? sql`and (order_key is not null or ${afterId})` : sql`and order_key is null and ${afterId}`
  const value = sortBy === 'priority' ? sql`${key}::text::int` : sql`${key}::text collate "C"`
  const after = sql`(order_key, id) ${beyond} (${value}, ${id}::text::bigint)`
  return isBack ? sql`and ${after}` : sql`and (order_key is null or ${after})`
}

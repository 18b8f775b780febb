import { compareJobIds } from '../../../shared/work/job-key.ts'
import { isFailure } from '../../database/error-pattern.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { Cursor, Position } from './list-cursor.ts'
import {
  beyondPosition,
  columnsFor,
  failureStates,
  isCandidate,
  isMatching,
  type NarrowedList,
  type PlacedJob,
  sortDirection,
} from './list-page.ts'

export type RankKey = 'priority' | 'status'
export type RankRequest = NarrowedList & { sort_by: RankKey }

/** An SQL condition on `jobs`: all jobs that can match, by the index of the narrowest field of the filter. */
export function isRankCandidate(sql: Sql, request: RankRequest): Fragment {
  const [only, ...others] = request.status ?? []
  const isServed = only !== undefined && others.length === 0 && failureStates.includes(only)
  const hasState = isServed ? sql.unsafe(`and jobs.status = '${only}'`) : sql``
  const hasFailed = request.cluster === undefined ? sql`` : sql`and ${isFailure(sql)}`
  return sql`${isCandidate(sql, request)} ${hasState} ${hasFailed}`
}

interface Sorting {
  cursor: Cursor | undefined
  /** `from jobs where …`, or from a source with the alias `jobs`: the jobs that are sorted. */
  source: (sql: Sql) => Fragment
  /** True for jobs of the source that match; by default the filter itself. */
  matching?: Fragment
}

interface SortedRange {
  cursor: Cursor | undefined
  /** The ids of the range, both included. */
  low: string
  high: string
}

type SortedRow = { scanned: number } & { [Name in keyof PlacedJob]: PlacedJob[Name] | null }

/** The first matching jobs of a range of ids in the order of the page, one more than the limit, and the number of rows read. */
export const readSorted = (sql: Sql, request: RankRequest, { cursor, low, high }: SortedRange) =>
  sorted(sql, request, {
    cursor,
    source: () => sql`
      from jobs
      where ${isRankCandidate(sql, request)}
        and jobs.id >= ${low}::text::job_id
        and jobs.id <= ${high}::text::job_id`,
  })

/** The same for the jobs of a source. */
export async function sorted(
  sql: Sql,
  request: RankRequest,
  { cursor, source, matching = isMatching(sql, request) }: Sorting,
) {
  const back = cursor?.to === 'prev'
  const from = cursor?.place
  const key = { priority: sql`jobs.priority`, status: sql`jobs.status collate "C"` }[request.sort_by]
  const direction = sortDirection(sql, request, back)
  const ordered = sql`order_key is null ${back ? sql`desc` : sql`asc`}, order_key ${direction}, id ${direction}`
  const beyond = from && beyondPosition(sql, request, { back, from })
  const rows = await sql<SortedRow[]>`
    with scanned as materialized (
      select
        ${columnsFor(sql, request)}, 0 as part, ${key} as order_key, (${key})::text as sort_key, ${matching} as matching
      ${source(sql)}
    )
    select counted.*, page.*
    from (select count(*) as scanned from scanned) as counted
    left join lateral (
      select *
      from scanned
      where matching ${from && beyond ? afterPosition(sql, request.sort_by, { back, place: from, beyond }) : sql``}
      order by ${ordered}
      limit ${request.limit + 1}
    ) as page on true
    order by ${ordered}`
  return {
    rows: rows.filter((row): row is SortedRow & PlacedJob => row.id !== null),
    scanned: rows[0]?.scanned ?? 0,
  }
}

interface After {
  back: boolean
  place: Position
  beyond: Fragment
}

/** Jobs without the sort key come last in both orders, so they come first in a page that goes back. */
function afterPosition(sql: Sql, sortBy: RankKey, { back, place: { key, id }, beyond }: After): Fragment {
  const afterId = sql`id ${beyond} ${id}::text::job_id`
  if (key === null)
    return back ? sql`and (order_key is not null or ${afterId})` : sql`and order_key is null and ${afterId}`
  const value = sortBy === 'priority' ? sql`${key}::text::int` : sql`${key}::text collate "C"`
  const after = sql`(order_key, id) ${beyond} (${value}, ${id}::text::job_id)`
  return back ? sql`and ${after}` : sql`and (order_key is null or ${after})`
}

/** Compares jobs as PostgreSQL does in `readSorted`, for jobs of several ranges. */
export function inOrder({ sort_by, sort_order }: RankRequest, cursor: Cursor | undefined) {
  const back = cursor?.to === 'prev'
  const sign = (sort_order === 'asc') === back ? -1 : 1
  return (one: PlacedJob, other: PlacedJob): number => {
    if (one.sort_key === null || other.sort_key === null) {
      const nulls = Number(one.sort_key === null) - Number(other.sort_key === null)
      return nulls * (back ? -1 : 1) || sign * compareJobIds(one.id, other.id)
    }
    const keys =
      sort_by === 'priority'
        ? Number(one.sort_key) - Number(other.sort_key)
        : // By bytes, as the collation "C" compares.
          Buffer.compare(Buffer.from(one.sort_key), Buffer.from(other.sort_key))
    return sign * (keys || compareJobIds(one.id, other.id))
  }
}

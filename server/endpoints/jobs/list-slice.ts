import { endedAt } from '../../database/job-filter.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { type Place, servedBy, unionOfPlaces } from '../../engines/served.ts'
import type { Position } from './list-cursor.ts'
import {
  beyondPosition,
  columnsFor,
  isAscending,
  isCandidate,
  isMatching,
  type PlacedJob,
  positionOf,
  sortDirection,
  takesAll,
} from './list-page.ts'
import { stateConditions, statesOf, type TimePart, type TimeRequest } from './time-parts.ts'

interface SliceBounds {
  part: TimePart
  from: Position | undefined
  /** True for a page that is read against the order of the list. */
  back: boolean
  /** The most rows to read. */
  most: number
  /** The number of matching rows after which the reading ends. */
  wanted: number
}

interface Slice {
  matching: PlacedJob[]
  scanned: number
  /** The place of the last row that was read; undefined where none was. */
  last: Position | undefined
  /** True when the slice ended at `most` rows, and more follow in the part. */
  hasMore: boolean
}

interface ScannedJob extends PlacedJob {
  /** The number of the row among the rows that were read. */
  position: number
  has_more: boolean
  matching: boolean
}

/** Reads rows of a part in the order of an index until `wanted` rows match, or `most` rows were read. */
export async function readSlice(sql: Sql, request: TimeRequest, asked: SliceBounds): Promise<Slice> {
  // What the page needs is one slice then: more rows cost time, and each further slice may read the whole table again.
  const isAll = servedBy(sql).mode !== 'own' && takesAll(request)
  const bounds = isAll ? { ...asked, most: asked.wanted } : asked
  const { most, wanted } = bounds
  const rows = await readRows(sql, request, bounds)
  const matching = rows.filter((row) => row.matching)
  const last = rows.at(-1)
  return {
    matching,
    scanned: last?.position ?? 0,
    last: last && positionOf(last),
    hasMore: matching.length < wanted && last?.position === most && last.has_more,
  }
}

/** The matching rows, and the last row that was read. */
function readRows(sql: Sql, request: TimeRequest, bounds: SliceBounds) {
  const { part, back, most, wanted } = bounds
  const { mode, places } = servedBy(sql)
  const isOwn = mode === 'own'
  const direction = sortDirection(sql, request, back)
  const key = isOwn ? keyOf(sql, part) : sql`jobs.order_key`
  const ordered = sql`${key} ${direction}, jobs.id ${direction}`
  const rows = isOwn
    ? source(sql, stateConditions(sql, request, part), { where: whereOf(sql, request, bounds), ordered, most })
    : sql`from (${unionOfPlaces(sql, places, (place, of) => rowsOf(of, place, request, bounds))}) as jobs`
  return sql<ScannedJob[]>`
    select *
    from (
      select
        ${columnsFor(sql, request)},
        ${part.at}::int as part,
        ${part.key ? sql`(${key})::text` : sql`null`} as sort_key,
        ${key} as order_key,
        row_number() over reading as position,
        lead(jobs.id) over reading is not null as has_more,
        ${isOwn ? sql`${part.where(sql)} and ${isMatching(sql, request)}` : sql`jobs.matching`} as matching
      ${rows}
      window reading as (order by ${ordered})
      order by ${ordered}
      ${limit(sql, most)}
    ) as scanned
    where matching or not has_more or position = ${most}::bigint
    order by order_key ${direction}, id ${direction}
    limit ${wanted}`
}

/** Without a key the creation is null in all jobs of the part. It is in the order so that the planner takes its index. */
const keyOf = (sql: Sql, part: TimePart): Fragment => part.key?.(sql) ?? sql`jobs.created_at`

function whereOf(sql: Sql, request: TimeRequest, { part, from, back }: SliceBounds): Fragment {
  const after = from ? afterPosition(sql, part, { from, beyond: beyondPosition(sql, request, { back, from }) }) : sql``
  return sql`${isCandidate(sql, request)} and ${part.range(sql)} ${inTimes(sql, part, request)} ${after}`
}

/** A query of the rows of one place of another engine, with their key and whether they match. */
function rowsOf(of: Sql, { adapter, found }: Place, request: TimeRequest, bounds: SliceBounds): Fragment {
  const { part, back, most } = bounds
  const rows = adapter.ordered(of, [found], {
    time: part.key === endedAt ? 'ended' : 'created',
    direction: isAscending(request, back) ? 'asc' : 'desc',
    where: of`${whereOf(of, request, bounds)} and ${part.where(of)}`,
    states: statesOf(request),
    scope: request,
    most,
    sample: request.sample,
  })
  return of`
    select ${columnsFor(of, request)}, ${keyOf(of, part)} as order_key, ${part.where(of)} and ${isMatching(of, request)} as matching
    from ${rows} as jobs`
}

/** A literal, because the planner expects a tenth of the rows for a parameter. */
const limit = (sql: Sql, rows: number): Fragment => sql.unsafe(`limit ${rows}`)

interface Source {
  where: Fragment
  ordered: Fragment
  most: number
}

/** `from …`: the rows of `jobs` in these states: of several states the first rows of each, by an index that begins with the state. */
function source(sql: Sql, states: Fragment[], { where, ordered, most }: Source): Fragment {
  const [only, ...others] = states.map((isInState) => sql`where ${where} ${isInState}`)
  if (!only) return sql`from jobs where ${where}`
  if (others.length === 0) return sql`from jobs ${only}`
  // One row more than is read, so that the last row knows whether another one follows.
  const first = (rows: Fragment) => sql`(select jobs.* from jobs ${rows} order by ${ordered} ${limit(sql, most + 1)})`
  return sql`from (${others.reduce((all, rows) => sql`${all} union all ${first(rows)}`, first(only))}) as jobs`
}

const afterPosition = (sql: Sql, part: TimePart, { from, beyond }: { from: Position; beyond: Fragment }): Fragment =>
  part.key
    ? sql`and (${part.key(sql)}, jobs.id) ${beyond} (${from.key}::text::timestamptz, ${from.id}::text::job_id)`
    : sql`and jobs.id ${beyond} ${from.id}::text::job_id`

/** The times of the filter that are about the key of the part: the index begins and ends there. */
function inTimes(sql: Sql, { key }: TimePart, request: TimeRequest): Fragment {
  if (!key) return sql``
  const isEnd = key === endedAt
  const from = isEnd ? request.ended_after : request.created_after
  const to = isEnd ? request.ended_before : request.created_before
  return sql`
    ${from === undefined ? sql`` : sql`and ${key(sql)} >= ${from}::text::timestamptz`}
    ${to === undefined ? sql`` : sql`and ${key(sql)} < ${to}::text::timestamptz`}`
}

import type { ListRequest, SortKey } from '../../../shared/jobs/list.ts'
import { endedAt } from '../../database/job-filter.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { Cursor, Place } from './list-cursor.ts'
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

/** A sort key that an index has in its order. */
interface TimeOrder {
  key: Fragment
  /** A condition beside the filter. */
  where: Fragment
  /** The order of jobs without the key, and the condition under which they are read. */
  without: { order: (direction: Fragment) => Fragment; where: Fragment }
}

export type TimeKey = Exclude<SortKey, 'priority' | 'status'>

/** The orders, each by an index of migration 0011. The index of the end also sorts by `completed_at`, the first part of it. */
const orders: Record<TimeKey, (sql: Sql) => TimeOrder> = {
  created_at: (sql) => ({
    key: sql`jobs.created_at`,
    where: sql`true`,
    // The time is null in all of them. It is in the order so that the planner takes its index.
    without: {
      order: (direction) => sql`jobs.created_at ${direction}, jobs.id ${direction}`,
      where: sql`jobs.created_at is null`,
    },
  }),
  ended_at: (sql) => ({ key: endedAt(sql), where: sql`true`, without: byId(sql) }),
  completed_at: (sql) => ({ key: endedAt(sql), where: sql`jobs.completed_at is not null`, without: byId(sql) }),
}

const byId = (sql: Sql): TimeOrder['without'] => ({
  order: (direction) => sql`jobs.id ${direction}`,
  where: sql`true`,
})

/** A page of a list by a time: jobs that have the time, and after them jobs without it. */
export async function listByTime(
  sql: Sql,
  request: ListRequest & { sort_by: TimeKey },
  cursor: Cursor | undefined,
): Promise<Page> {
  const found: PlacedJob[] = []
  let scanned = 0
  let bound: Place | undefined
  for (const part of partsOf(cursor)) {
    const wanted = request.limit + 1 - found.length
    if (wanted <= 0 || bound) break
    const rows = await scan(sql, request, { cursor, part, wanted })
    const last = rows.at(-1)
    found.push(...rows.filter(({ matching }) => matching))
    scanned += last?.position ?? 0
    if (found.length <= request.limit && last?.has_more) bound = placeOf(last)
  }
  const jobs = found.slice(0, request.limit)
  const lastFound = jobs.at(-1)
  const beyond = found.length > request.limit && lastFound ? placeOf(lastFound) : bound
  return { ...pageOf(jobs, cursor, beyond), scanned, isComplete: bound === undefined }
}

/** The page with its cursors; `beyond` is the place after which the search goes on, undefined at the end of the list. */
function pageOf(jobs: PlacedJob[], cursor: Cursor | undefined, beyond: Place | undefined) {
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

interface Part {
  /** Jobs with the sort key, or without it. */
  keyed: boolean
  from: Place | undefined
}

const keyed: Part = { keyed: true, from: undefined }
const unkeyed: Part = { keyed: false, from: undefined }

/** The parts of the list that a page reads, in the order of reading. */
function partsOf(cursor: Cursor | undefined): Part[] {
  const from = cursor?.place
  if (!from) return [keyed, unkeyed]
  if (from.key === null) return cursor.to === 'next' ? [{ ...unkeyed, from }] : [{ ...unkeyed, from }, keyed]
  return cursor.to === 'next' ? [{ ...keyed, from }, unkeyed] : [{ ...keyed, from }]
}

interface ScannedJob extends PlacedJob {
  /** The number of the row among the rows that were read. */
  position: number
  has_more: boolean
  matching: boolean
}

interface Scan {
  cursor: Cursor | undefined
  part: Part
  wanted: number
}

/**
 * Reads rows in the order of an index until `wanted` rows match, or the bound is reached. The last row is the one at the
 * bound when the search stopped there.
 */
async function scan(sql: Sql, request: ListRequest & { sort_by: TimeKey }, { cursor, part, wanted }: Scan) {
  const { key, where, without } = orders[request.sort_by](sql)
  const { order, beyond } = directionOf(sql, request, cursor)
  const ordered = part.keyed ? sql`${key} ${order}, jobs.id ${order}` : without.order(order)
  const isInPart = part.keyed ? sql`${where} and ${key} is not null` : sql`not (${where} and ${key} is not null)`
  const range = part.keyed ? sql`${key} is not null ${inTimes(sql, key, request)}` : without.where
  const after = part.from ? afterPlace(sql, key, { from: part.from, beyond }) : sql``
  // A literal, because the planner expects a tenth of the rows for a parameter.
  const bound = sql.unsafe(`limit ${mostScanned}`)
  const rows = await sql<ScannedJob[]>`
    select *
    from (
      select
        ${columns(sql)},
        case when ${part.keyed}::bool then (${key})::text end as sort_key,
        ${key} as order_key,
        row_number() over reading as position,
        lead(jobs.id) over reading is not null as has_more,
        ${isInPart} and ${isMatching(sql, request)} as matching
      from jobs
      where ${isCandidate(sql, request)} and ${range} ${after}
      window reading as (order by ${ordered})
      order by ${ordered}
      ${bound}
    ) as scanned
    where matching or not has_more or position = ${mostScanned}::bigint
    order by ${part.keyed ? sql`order_key ${order}, id ${order}` : sql`id ${order}`}
    limit ${wanted}`
  return rows.map((row) => ({ ...row, has_more: row.has_more && row.position === mostScanned }))
}

const afterPlace = (sql: Sql, key: Fragment, { from, beyond }: { from: Place; beyond: Fragment }): Fragment =>
  from.key === null
    ? sql`and jobs.id ${beyond} ${from.id}::text::bigint`
    : sql`and (${key}, jobs.id) ${beyond} (${from.key}::text::timestamptz, ${from.id}::text::bigint)`

/** The times of the filter that are about the sort key: the index begins and ends there. */
function inTimes(sql: Sql, key: Fragment, request: ListRequest): Fragment {
  const isCreation = request.sort_by === 'created_at'
  const from = isCreation ? request.created_after : request.ended_after
  const to = isCreation ? request.created_before : request.ended_before
  return sql`
    ${from === undefined ? sql`` : sql`and ${key} >= ${from}::text::timestamptz`}
    ${to === undefined ? sql`` : sql`and ${key} < ${to}::text::timestamptz`}`
}

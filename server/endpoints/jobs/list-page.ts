import { type ListedJob, type ListRequest, listedColumns } from '../../../shared/jobs/list.ts'
import { isFailure } from '../../database/error-pattern.ts'
import { inFilter } from '../../database/job-filter.ts'
import { hasIdAmong, hasSafeId } from '../../database/planner-hints.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { staticFragment } from '../../database/static-fragment.ts'
import type { Cursor, Place } from './list-cursor.ts'

/** The most rows that one statement of a list reads. */
export const mostScanned = 50_000

/** A page of jobs in the order of the list. */
export interface Page {
  jobs: ListedJob[]
  next: Cursor | undefined
  prev: Cursor | undefined
  /** The number of rows that were read. */
  scanned: number
  /** False when the search stopped at its bound, so that jobs beyond the bound were not compared. */
  isComplete: boolean
}

/** A matching job with its place. */
export interface PlacedJob extends ListedJob {
  sort_key: string | null
}

/** The columns of a listed job. */
export const columns = staticFragment((sql) => sql.unsafe(listedColumns.map((name) => `jobs.${name}`).join(', ')))

/** An SQL condition on `jobs`: true for a job that matches the filter. */
export const isMatching = (sql: Sql, request: ListRequest): Fragment => sql`(true ${inFilter(sql, request)}) is true`

/** An SQL condition on `jobs`: all jobs that can match, by the index of the narrowest field of the filter. */
export function isCandidate(sql: Sql, { ids, batch_group, cluster, status }: ListRequest): Fragment {
  if (ids) return sql`${hasSafeId(sql)} and jobs.id = any(${ids.map(String)}::text[]::bigint[])`
  if (!batch_group) {
    return sql`${hasSafeId(sql)} ${cluster ? sql`and ${isFailure(sql)}` : sql``} ${hasFailureState(sql, status)}`
  }
  const inBatch = sql`select jobs.id from jobs where jobs.batch_group = ${batch_group}::text`
  return sql`${hasSafeId(sql)} and ${hasIdAmong(sql, inBatch)}`
}

const failureStates = ['failed', 'cancelled', 'quarantined']

/** An SQL condition that begins with `and`: the state, where the indexes of migration 0016 have the jobs of this state. */
function hasFailureState(sql: Sql, [only, ...others]: readonly string[] = []): Fragment {
  const isServed = only !== undefined && others.length === 0 && failureStates.includes(only)
  return isServed ? sql.unsafe(`and jobs.status = '${only}'`) : sql``
}

/** The direction in which a page is read: against the order of the list for a previous page. */
export function directionOf(sql: Sql, { sort_order }: ListRequest, cursor: Cursor | undefined) {
  const isAscending = (sort_order === 'asc') === (cursor?.to !== 'prev')
  const isIncluded = cursor?.place?.included === true
  return {
    order: isAscending ? sql`asc` : sql`desc`,
    beyond: sql.unsafe(`${isAscending ? '>' : '<'}${isIncluded ? '=' : ''}`),
  }
}

export const placeOf = ({ sort_key, id }: PlacedJob, included = false): Place => ({
  key: sort_key,
  id: String(id),
  included,
})

/** The place from which the list goes on in the other direction; undefined where no page lies there. */
export const startOf = ([first]: readonly PlacedJob[], cursor: Cursor | undefined): Place | undefined =>
  first ? placeOf(first) : cursor?.place && turned(cursor.place)

/** The place of a cursor, seen from the other direction: a page that goes back has the job that this page left out. */
const turned = ({ included, ...place }: Place): Place => ({ ...place, included: !included })

import { type ListedJob, type ListRequest, listedColumns } from '../../../shared/jobs/list.ts'
import { groupsOfJobs } from '../../counts/group-list.ts'
import { inFilter } from '../../database/job-filter.ts'
import { hasId } from '../../database/job-ids.ts'
import { hasIdAmong, hasSafeId } from '../../database/planner-hints.ts'
import type { Narrowed } from '../../database/scope.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import { servedBy } from '../../engines/served.ts'
import type { Cursor, Position } from './list-cursor.ts'

/** The request of a list, with what its caller is limited to. */
export interface NarrowedList extends ListRequest, Narrowed {
  /** About how many jobs from all over the table of an engine stand for all of its jobs. */
  sample?: number
  /** The domain of the list, where a partition has its jobs and no others: the other partitions are not read. */
  partition?: string | undefined
}

/** A page of jobs in the order of the list. */
export interface Page {
  jobs: ListedJob[]
  next: Cursor | undefined
  prev: Cursor | undefined
  /** The number of rows that were read. */
  scanned: number
  /** False when the search stopped before its end, so that jobs beyond were not compared. */
  isComplete: boolean
  /** The list has the jobs that were made last alone, since there are more than are sorted: no page has an older one. */
  onlyNewest?: boolean
}

/** A matching job with its place. */
export interface PlacedJob extends ListedJob {
  sort_key: string | null
  /** The number of the part of the list that has the job; 0 in a list of one part. */
  part: number
}

/** The states whose jobs an index of migration 0016 has. */
export const failureStates: readonly string[] = ['failed', 'cancelled', 'quarantined']

/** The columns of a listed job. */
export const columns = staticFragment((sql) => sql.unsafe(columnsOf(sql).join(', ')))

/** Each engine has a type of its own for the words of its states. */
const columnsOf = (sql: Sql): string[] =>
  listedColumns.flatMap((name) => {
    if (name !== 'native_state') return `jobs.${name}`
    return servedBy(sql).mode === 'own' ? [] : 'jobs.native_state::text as native_state'
  })

/** The same, and the beginning of the error message for a list that has it. */
export const columnsFor = (sql: Sql, { errors }: Pick<ListRequest, 'errors'>): Fragment =>
  errors ? sql`${columns(sql)}, left(jobs.error_message, 1000) as error_message` : columns(sql)

/** An SQL condition on `jobs`: true for a job that matches the filter. */
export const isMatching = (sql: Sql, request: NarrowedList): Fragment =>
  sql`(true ${inFilter(sql, request)} ${hasKey(sql, request)}) is true`

const hasKey = (sql: Sql, { idempotency_key: key }: NarrowedList): Fragment =>
  key === undefined ? sql`` : sql`and jobs.idempotency_key = ${key}::text`

/**
 * An SQL condition on `jobs`: all jobs that can match, by the index of ids, of keys or of batches where the filter names them, and in the
 * partition of their domain. A list reads its candidates in their order, and compares them with the rest of the filter then.
 */
export const isCandidate = (sql: Sql, request: NarrowedList): Fragment =>
  request.partition === undefined
    ? isNamed(sql, request)
    : sql`${isNamed(sql, request)} and jobs.domain = ${request.partition}`

function isNamed(sql: Sql, { ids, batch_group, idempotency_key: key }: NarrowedList): Fragment {
  if (ids) return sql`${hasSafeId(sql)} and ${hasId(sql, ids)}`
  if (key !== undefined && servedBy(sql).mode === 'own')
    return sql`${hasSafeId(sql)} and ${hasIdAmong(sql, idsOfKey(sql, key))}`
  if (!batch_group) return hasSafeId(sql)
  if (servedBy(sql).mode !== 'own') return sql`jobs.batch_group = ${batch_group}::text`
  const inBatch = sql`select jobs.id from jobs where jobs.batch_group = ${batch_group}::text`
  return sql`${hasSafeId(sql)} and ${hasIdAmong(sql, inBatch)}`
}

/** The ids of the jobs with a key: the index of keys has one at most for each group. */
const idsOfKey = (sql: Sql, key: string): Fragment => sql`
  with recursive ${groupsOfJobs(sql)}
  select keyed.id
  from groups
  cross join lateral (
    select jobs.id
    from jobs
    where (jobs.domain, jobs.queue, jobs.job_type) = (groups.domain, groups.queue, groups.job_type)
      and jobs.idempotency_key = ${key}::text
    offset 0
  ) as keyed`

/** Whether every job of the queues matches. */
export function takesAll({
  within,
  domain,
  queue,
  sort_by,
  sort_order,
  limit,
  cursor,
  errors,
  sample,
  partition,
  ...filter
}: NarrowedList): boolean {
  const isOfTypes = within !== undefined && within.job_types.length > 0
  return !isOfTypes && Object.values(filter).every((value) => value === undefined)
}

/** True for a page that is read in ascending order. */
export const isAscending = ({ sort_order }: NarrowedList, back: boolean): boolean => (sort_order === 'asc') !== back

/** The direction in which a page is read: against the order of the list for a page that goes `back`. */
export const sortDirection = (sql: Sql, request: NarrowedList, back: boolean): Fragment =>
  isAscending(request, back) ? sql`asc` : sql`desc`

/** The comparison that is true for what is read after a place. */
export const beyondPosition = (
  sql: Sql,
  request: NarrowedList,
  { back, from }: { back: boolean; from: Position },
): Fragment => sql.unsafe(`${isAscending(request, back) ? '>' : '<'}${from.included ? '=' : ''}`)

/** The place of a job: the page that begins there does not include the job. */
export const positionOf = ({ sort_key, part, id }: PlacedJob): Position => ({
  key: sort_key,
  id: String(id),
  included: false,
  ...(part > 0 && { part }),
})

/** The place from which the list goes on in the other direction; undefined where no page lies there. */
export const startOf = ([first]: readonly PlacedJob[], cursor: Cursor | undefined): Position | undefined =>
  first ? positionOf(first) : cursor?.place && turned(cursor.place)

/** The place of a cursor, seen from the other direction: a page that goes back has the job that this page left out. */
const turned = ({ included, ...place }: Position): Position => ({ ...place, included: !included })

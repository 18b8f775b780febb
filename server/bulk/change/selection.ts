import type { Failure } from '../../../shared/errors.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import { hasId, hasKeys, idArray } from '../../database/job-ids.ts'
import { hasSafeId } from '../../database/planner-hints.ts'
import type { Fragment, Sql } from '../../database/sql.ts'

/** The jobs that one batch may change. */
export interface Selection {
  /** The number of jobs; of a range, their number when the search counted them. */
  size: number
  /** The selection is a list of ids, so that no other job can join it. */
  hasFixedIds: boolean
  /** A condition on `jobs`: true for rows of the selection for which `where` is true. */
  matches: (sql: Sql, where: Fragment) => Fragment
  /** The ids, where the selection is a list of them. */
  ids?: readonly JobId[] | undefined
  /** The tids of the rows of these ids, for a change that finds them by those (`BulkChange.tid`). */
  tids?: readonly string[] | undefined
  /** The id of the job, where the selection is a list of one id. */
  singleId?: JobId | undefined
}

/** A batch changed more jobs than its range had when the search counted them. The batch rolls back and runs again by ids. */
export class RangeOutgrown extends Error {}

/**
 * A batch changed fewer jobs than it locked: a trigger or a rule of the table keeps them, or another transaction wrote them between the snapshot
 * and the lock. The batch rolls back, and runs again with fewer jobs.
 */
export class RowsKept extends Error {
  /** What the change says where jobs are kept each time. */
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message, { cause: failure })
    this.failure = failure
  }
}

/** One text of numbers takes the driver a fifth of the time of an array; keys are compared by their parts. */
const isSelected = (sql: Sql, ids: readonly JobId[]): Fragment =>
  hasKeys(sql) ? hasId(sql, ids) : sql`jobs.id = any(${idArray(sql, ids)})`

/** Selects by a list of ids. `is true` keeps the planner from other indexes, which also hold rows that do not match. */
export const idSelection = (ids: readonly JobId[], tids?: readonly string[]): Selection => ({
  size: ids.length,
  hasFixedIds: true,
  ids,
  tids,
  singleId: ids.length === 1 ? ids[0] : undefined,
  matches: (sql, where) => sql`${isSelected(sql, ids)} and (${where}) is true`,
})

/** An index whose first column is a time of jobs. */
export interface TimeIndex {
  /** An SQL expression over `jobs`: the first column of the index. */
  along: (sql: Sql) => Fragment
  /** The type of that column. */
  type: 'timestamptz' | 'timestamp'
  /**
   * An SQL condition over `jobs` that ends the range of the index to read. It is true for every job of the set that has the time. Absent where the
   * filters of the change have such a condition.
   */
  before?: (sql: Sql, set: { asOf: string | undefined }) => Fragment
  /** False where the set has jobs without the time. The change takes them last, by their ids. */
  isOfAll: boolean
}

interface Range extends Pick<TimeIndex, 'along' | 'type'> {
  /** The first time, and the time after the last one, as text of PostgreSQL. */
  from: string
  until: string
  size: number
  /** A further condition, beginning with `and`. */
  bound: (sql: Sql) => Fragment
}

/** Selects a range of an index: to read the range a second time costs less than a list of ids. */
export const rangeSelection = ({ along, type, from, until, size, bound }: Range): Selection => ({
  size,
  hasFixedIds: false,
  matches: (sql, where) => sql`
    ${along(sql)} >= ${from}::text::${sql.unsafe(type)} and ${along(sql)} < ${until}::text::${sql.unsafe(type)}
    ${bound(sql)} and ${hasSafeId(sql)} and ${where}`,
})

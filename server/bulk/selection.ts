import { hasSafeId } from '../database/planner-hints.ts'
import type { Fragment, Sql } from '../database/sql.ts'

/** The jobs that one batch looks at. */
export interface Selection {
  /** They are no more than that; of a stretch, as it was when it was found. */
  size: number
  /** Its jobs are named, and no others can come to be among them. */
  hasFixedIds: boolean
  /** True for those of them, as rows of `jobs`, for which `where` is. */
  matches: (sql: Sql, where: Fragment) => Fragment
  /** The only one, where they are named and it is one alone. */
  singleId?: number | undefined
}

/** A batch changed more jobs than its stretch had when it was found: it is undone, and its jobs are named instead. */
export class RangeOutgrown extends Error {}

/** Jobs by their ids, and by no other index that a condition might offer: those hold what does not match, too. */
export const idSelection = (ids: readonly number[]): Selection => ({
  size: ids.length,
  hasFixedIds: true,
  singleId: ids.length === 1 ? ids[0] : undefined,
  matches: (sql, where) => sql`jobs.id = any(${`{${ids.join(',')}}`}::text::bigint[]) and (${where}) is true`,
})

interface Range {
  /** What an index of the set is ordered by. */
  along: (sql: Sql) => Fragment
  /** Times as text. */
  from: string
  until: string
  size: number
}

/** Jobs that lie side by side in an index: to read it once more costs less than to name them. */
export const rangeSelection = ({ along, from, until, size }: Range): Selection => ({
  size,
  hasFixedIds: false,
  matches: (sql, where) => sql`
    ${along(sql)} >= ${from}::text::timestamptz and ${along(sql)} < ${until}::text::timestamptz
    and ${hasSafeId(sql)} and ${where}`,
})

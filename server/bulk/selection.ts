import { isNameable } from '../database/planner-hints.ts'
import type { Fragment, Sql } from '../database/sql.ts'

/** The jobs that one batch looks at. */
export interface Lot {
  /** They are no more than that; of a stretch, as it was when it was found. */
  size: number
  /** Its jobs are named, and no others can come to be among them. */
  named: boolean
  /** True for those of them, as rows of `jobs`, for which `where` is. */
  isAmong: (sql: Sql, where: Fragment) => Fragment
  /** The only one, where they are named and it is one alone. */
  only?: number | undefined
}

/** A batch changed more jobs than its stretch had when it was found: it is undone, and its jobs are named instead. */
export class Outgrown extends Error {}

/** Jobs by their ids, and by no other index that a condition might offer: those hold what does not match, too. */
export const lotOf = (ids: readonly number[]): Lot => ({
  size: ids.length,
  named: true,
  only: ids.length === 1 ? ids[0] : undefined,
  isAmong: (sql, where) => sql`jobs.id = any(${`{${ids.join(',')}}`}::text::bigint[]) and (${where}) is true`,
})

interface Stretch {
  /** What an index of the set is ordered by. */
  along: (sql: Sql) => Fragment
  /** Times as text. */
  from: string
  until: string
  size: number
}

/** Jobs that lie side by side in an index: to read it once more costs less than to name them. */
export const stretchOf = ({ along, from, until, size }: Stretch): Lot => ({
  size,
  named: false,
  isAmong: (sql, where) => sql`
    ${along(sql)} >= ${from}::text::timestamptz and ${along(sql)} < ${until}::text::timestamptz
    and ${isNameable(sql)} and ${where}`,
})

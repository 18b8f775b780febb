import { inScope } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { FailureSlice } from '../adapter.ts'

/**
 * The failures that a slice wants, of a query of all failures of its state. The `offset 0` has each expression computed once, before anything
 * is sorted.
 * @param rows a query whose columns are those of `QueueAdapter.failures`
 * @returns a query in parentheses
 */
export const sliceFailures = (sql: Sql, rows: Fragment, { since, until, scope, most }: FailureSlice): Fragment => sql`
  (
    select *
    from (
      select *
      from (${rows}) as failures
      where true ${inScope(sql, scope)}
        ${since === undefined ? sql`` : sql`and seen >= ${since}::text::timestamptz`}
        ${until === undefined ? sql`` : sql`and seen < ${until}::text::timestamptz`}
      offset 0
    ) as failures
    order by seen desc
    ${sql.unsafe(`limit ${most + 1}`)}
  )`

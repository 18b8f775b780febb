import { staticFragment } from '../database/sql.ts'

/**
 * A table expression of one row, for a cross join before `lateral (select … from jobs …)`. It has what holds where `jobs` lacks a column:
 * `quarantine_threshold`, which the role of the server may not add everywhere, and `expired_lease_policy`, which the newer version of the
 * other program adds. The first says after how many failures in a row a job is quarantined (null: as its queue says). The second says
 * whether an expired lease counts as a failed attempt (`consume_retry`) or not (`requeue_no_attempt`).
 *
 * Inside, a name without a table is the column of `jobs` where there is one, and else the one of this row. So the same statement is right
 * before and after a program adds the column.
 */
export const withoutPolicies = staticFragment(
  (sql) => sql`
  (select null::int as quarantine_threshold, 'consume_retry'::text as expired_lease_policy) as without_policies`,
)

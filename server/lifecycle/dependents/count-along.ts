import type { TokenScope } from '../../../shared/access/token-scope.ts'
import { isElsewhere } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { dependentsOf } from './dependents.ts'

/**
 * The CTEs `along (uuid)` and `counted (uuid)` of a statement `with recursive`: the queued jobs that depend, over any number of edges,
 * on the jobs of the CTE `ending (uuid)`, which it needs; `counted` has at most that number of them, and no more are looked at.
 */
export const countedAlong = (sql: Sql, most: number): Fragment => sql`
  along (uuid) as (
    select dependent.uuid
    from ending
    cross join ${dependentsOf(sql, sql`ending.uuid`)} as dependent
    union
    select dependent.uuid
    from along
    cross join ${dependentsOf(sql, sql`along.uuid`)} as dependent
  ),
  -- A recursive query stops when nobody reads more of its rows.
  counted as materialized (
    select uuid from along where not exists (select from ending where ending.uuid = along.uuid) limit ${sql.unsafe(String(most))}
  )`

/** An expression: how many jobs of the CTE `counted` lie outside of a scope; 0 without one. */
export const countedElsewhere = (sql: Sql, within: TokenScope | undefined): Fragment =>
  within
    ? sql`(
        select count(*) from counted
        where exists (select from jobs where jobs.uuid = counted.uuid and ${isElsewhere(sql, within)} offset 0)
      )`
    : sql`0::bigint`

import { isInState } from '../database/job-filter.ts'
import { hasKeys } from '../database/job-ids.ts'
import { inScope, type Narrowed } from '../database/scope.ts'
import { type Fragment, type Sql, staticFragment } from '../database/sql.ts'
import { fromAllPlaces, isOfSeveral } from '../engines/served.ts'

/** The most expired leases that are read. */
export const mostExpired = 50_000

/**
 * A query of the jobs with an expired lease within a scope and that of the caller, the oldest first: at most one more than are read. Leases
 * without an end are read apart, because the index has them after all others. In a table of another engine they are not expired: it does not say when
 * they end.
 */
export const expiredLeases = (sql: Sql, scope: Narrowed): Fragment => fromAllPlaces(sql, (of) => expiredIn(of, scope))

const expiredIn = (sql: Sql, scope: Narrowed): Fragment => {
  const bound = sql.unsafe(`limit ${mostExpired + 1}`)
  const columns = sql`domain, queue, job_type, worker_id, leased_until`
  const own = inScope(sql, scope)
  // No index of another engine has the ends of leases: each select would read all running jobs.
  if (hasKeys(sql))
    return sql`
    select ${columns}
    from jobs
    where ${isInState(sql, 'processing')} and leased_until <= now() ${own}
    order by leased_until
    ${bound}`
  return sql`
    (select ${columns} from jobs where ${isInState(sql, 'processing')} and leased_until is null ${own} ${bound})
    union all
    (select ${columns} from jobs where ${isInState(sql, 'processing')} and leased_until <= now() ${own} order by leased_until ${bound})
    ${bound}`
}

/** The most expired leases that `countExpired` counts. */
const mostCounted = 10_000

/** A query of one number: how many leases have expired, up to 10,000. It reads entries of indexes alone. */
export const countExpired = staticFragment((sql) =>
  isOfSeveral(sql) ? sql`select sum(count) from (${fromAllPlaces(sql, countIn)}) as counts` : countIn(sql),
)

const countIn = (sql: Sql): Fragment => {
  const bound = sql.unsafe(`limit ${mostCounted}`)
  const past = sql`select from jobs where ${isInState(sql, 'processing')} and leased_until <= now() order by leased_until ${bound}`
  if (hasKeys(sql)) return sql`select count(*) from (${past}) as expired`
  return sql`
    select count(*)
    from (
      (select from jobs where ${isInState(sql, 'processing')} and leased_until is null ${bound})
      union all
      (${past})
      ${bound}
    ) as expired`
}

import type { BatchCounts, CompletedChange } from '../bulk/change/bulk-change.ts'
import { jobWithUuid } from '../database/planner-hints.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { dependentsOf, failedEnds } from '../lifecycle/dependents/dependents.ts'

/**
 * A query of the number of queued jobs that are cancelled along with the jobs that match, since they depend on one of them
 * directly or through other jobs. It starts from the edges: a change may match millions of jobs where few have an edge.
 * @param matches a condition on `jobs`: true for the jobs that the change ends
 * @param fails true for rows of `jobs` after whose end no dependent can run
 * @param only a condition on `jobs`: counts only dependents for which it is true
 */
export const countDependents = (
  sql: Sql,
  matches: Fragment,
  { fails, only }: { fails: Fragment; only: Fragment | undefined },
): Fragment => sql`
  with recursive along (uuid, domain, queue) as (
    select dependent.uuid, dependent.domain, dependent.queue
    from (select distinct depends_on_job_uuid as uuid from job_dependencies) as needed
    cross join lateral (
      select from ${jobWithUuid(sql, sql`needed.uuid`)} where ${matches} and ${fails}
    ) as ended
    cross join ${dependentsOf(sql, sql`needed.uuid`)} as dependent
    union
    select dependent.uuid, dependent.domain, dependent.queue
    from along
    cross join ${dependentsOf(sql, sql`along.uuid`)} as dependent
  )
  select count(*)
  from along
  where not exists (select from ${jobWithUuid(sql, sql`along.uuid`)} where ${matches})
    ${only ? sql`and exists (select from jobs where jobs.uuid = along.uuid and ${only} offset 0)` : sql``}`

/** True for rows of `jobs` that ended without being completed. */
export const isFailedEnd = (sql: Sql): Fragment => sql`status in ${failedEnds(sql)}`

/**
 * The fields of an answer for the dependents that were changed along; none where there were none.
 * @param within the scope of the caller; under one, those outside are a number of their own
 */
export function dependentsInAnswer(counts: BatchCounts, within: CompletedChange['within']) {
  const { dependents = 0, dependents_elsewhere: elsewhere = 0 } = counts
  if (dependents === 0) return {}
  return { dependents: dependents - elsewhere, ...(within && { dependents_elsewhere: elsewhere }) }
}
